// Puts the parts together. Which conversation is open stands in the address, so that a reload and the browser's way back
// work.

import { announce, forgetAnnouncements } from "./announcer.js";
import { Chat } from "./chat.js";
import { conversationView } from "./conversation-view.js";
import { ask, close } from "./dialog.js";
import { byId, element, setText } from "./elements.js";
import { choose, current, reasonOf, text, translate } from "./language.js";
import { listsView } from "./lists-view.js";
import { loginView } from "./login-view.js";
import { titleOf } from "./names.js";
import { languages } from "./texts.js";

const chat = new Chat();
const { model } = chat;
const shown = () => /^#([dg]:[\d:]+)$/.exec(location.hash)?.[1] ?? null;
const open = (id) => {
  if (id !== shown()) location.hash = id ?? "";
  // Once the dialog that asked for it is closed, and has given the focus back.
  else setTimeout(showConversation);
};
const views = [loginView(chat), listsView(chat, { open, shown }), conversationView(chat, { open, shown })];

// The conversation from which one comes back to the lists.
let left = null;

/** Opens what the address says, and puts the focus where one goes on. */
function showConversation() {
  const id = shown();
  byId("chat").dataset.pane = id ? "conversation" : "lists";
  chat.show(id);
  draw();
  if (!model.me) return;
  const focus = id ? byId("body") : buttonOf(left);
  left = id;
  if (!byId("dialog").open) focus.focus();
}

/** The button in the lists that opens a conversation, or the first that there is. */
function buttonOf(id) {
  const buttons = [...byId("lists").querySelectorAll(".list button")];
  return buttons.find((button) => button.dataset.conversation === id) ?? buttons[0] ?? byId("new-chat");
}

function draw() {
  for (const view of views) view();
  drawBar();
}

function drawBar() {
  const isIn = Boolean(model.me);
  byId("chat").hidden = !isIn;
  byId("logout").hidden = !isIn;
  byId("skip").hidden = !isIn;
  byId("use-here").hidden = model.state !== "ended";
  setText(byId("me"), isIn ? model.me.name : "");
  const reason = model.reason ? reasonOf(model.reason) : "";
  setText(byId("state"), model.state === "out" ? "" : text(`state_${model.state}`, { reason }));
  const unread = model.unread();
  document.title = unread > 0 ? `(${unread}) ${text("chat")}` : text("chat");
}

function announceNews(message) {
  const { conversation, from, body } = message;
  const isSeen = conversation === shown() && !document.hidden;
  const values = { name: from.name, body, title: titleOf(model, conversation) };
  announce(text(isSeen ? "message_from" : "news_in", values));
}

function logOut() {
  const count = chat.outbox?.unsent() ?? 0;
  if (count === 0) return chat.logOut();
  return ask({
    title: text("log_out"),
    note: text("log_out_unsent", { count }),
    confirm: text("log_out"),
    act: () => chat.logOut(),
  });
}

function offerLanguages() {
  const select = byId("language");
  for (const [tag, name] of Object.entries(languages)) {
    select.append(element("option", { value: tag, lang: tag, selected: tag === current() }, name));
  }
  select.onchange = () => {
    choose(select.value);
    translate(document);
    // What was drawn in the other language is made anew.
    byId("messages").replaceChildren();
    draw();
  };
}

let wasIn = false;
model.subscribe(() => {
  // Who has just logged in goes on where the address says; who has logged out leaves nothing there.
  const isIn = Boolean(model.me);
  if (isIn !== wasIn) {
    wasIn = isIn;
    if (!isIn) {
      history.replaceState(null, "", location.pathname + location.search);
      forgetAnnouncements();
      close();
    }
    showConversation();
  }
  draw();
});
chat.onNews = announceNews;
addEventListener("hashchange", showConversation);
// For whoever measures how soon the page can be used: it gives the focus to what one types into.
addEventListener("focusin", () => performance.mark("ready"), { once: true });
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown() && !byId("dialog").open && !event.isComposing) open(null);
});
byId("skip").onclick = () => byId(shown() ? "scroll" : "lists").focus();
byId("logout").onclick = logOut;
byId("use-here").onclick = () => chat.useHere();
offerLanguages();
translate(document);
draw();
chat.begin();
