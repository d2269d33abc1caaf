// Where messages are written. What was begun is kept for each conversation while the page is open.

import { byId, setText } from "./elements.js";
import { text } from "./language.js";

const MOST_BYTES = 8_192;
// What Safari says of a key that was the input method's, when the choice is over already.
const COMPOSING = 229;

/** `shown` answers the conversation that is open. */
export function composer(chat, shown) {
  const [form, area, problem] = [byId("composer"), byId("body"), byId("composer-error")];
  const drafts = new Map();
  let conversation = null;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = area.value;
    if (body.trim() === "" || !chat.outbox) return;
    const bytes = new TextEncoder().encode(body).length;
    if (bytes > MOST_BYTES) {
      setText(problem, text("at_body_limit", { bytes }));
      return;
    }
    const isKept = chat.send(shown(), body);
    setText(problem, isKept ? "" : text("not_kept"));
    area.value = "";
    area.focus();
  });

  area.addEventListener("keydown", (event) => {
    // Enter also ends the choice of a character in an input method, and then sends nothing.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    form.requestSubmit();
  });

  /** Goes over to the conversation that is open now. */
  return () => {
    if (conversation) drafts.set(conversation, area.value);
    if (!chat.model.me) drafts.clear();
    conversation = shown();
    area.value = drafts.get(conversation) ?? "";
    drafts.delete(conversation);
    setText(problem, "");
  };
}
