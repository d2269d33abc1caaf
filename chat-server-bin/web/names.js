// What conversations and users are called.

import { text } from "./language.js";

/** A user's name, or a number where nobody has told it. */
export const userName = (model, id) => model.nameOf(id) ?? text("user", { id });

/** What a conversation is called. */
export function titleOf(model, id) {
  const { user, group } = model.recipientOf(id) ?? {};
  if (group) return model.groups.get(group)?.name ?? text("group", { id: group });
  return user === model.me?.id ? text("notes") : userName(model, user);
}
