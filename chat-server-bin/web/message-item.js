// One message, stored or still waiting, as an item of the list.

import { element, setText } from "./elements.js";
import { reasonOf, text, timeText } from "./language.js";

/** A message that the server has stored. */
export function messageItem(message, isOwn) {
  const time = element("time", { datetime: new Date(message.at).toISOString() }, timeText(message.at));
  const item = element(
    "li",
    { class: isOwn ? "message own" : "message" },
    element("div", { class: "head" }, element("span", { class: "name", dir: "auto" }, message.from.name), time),
    element("p", { class: "body", dir: "auto" }, message.body),
  );
  // What applications carry along is nothing that this client knows.
  if (message.data) {
    const data = element("pre", { dir: "auto" }, JSON.stringify(message.data, null, 1));
    item.append(element("details", {}, element("summary", {}, text("data")), data));
  }
  return item;
}

/** A message that waits in the outbox, or was refused. */
export function waitingItem(entry, outbox) {
  const button = (key, act) => element("button", { type: "button", onclick: () => act(entry.id) }, text(key));
  return element(
    "li",
    { class: "message own waiting" },
    element("p", { class: "body", dir: "auto" }, entry.body),
    element("p", { class: "why" }),
    element(
      "div",
      { class: "buttons", hidden: true },
      button("retry", (id) => outbox.retry(id)),
      button("discard", (id) => outbox.drop(id)),
    ),
  );
}

/** Shows how it stands with a message that waits. */
export function updateWaiting(item, entry) {
  const why = entry.refused ? text("not_sent", { reason: reasonOf(entry.refused) }) : text("waiting");
  setText(item.querySelector(".why"), why);
  item.querySelector(".buttons").hidden = !entry.refused;
}
