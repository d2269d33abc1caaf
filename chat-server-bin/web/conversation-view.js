// The conversation that is open: its messages, older ones by scrolling up, and what can be done with it.

import { composer } from "./composer.js";
import { ask } from "./dialog.js";
import { byId, reconcile, setText } from "./elements.js";
import { reasonOf, text } from "./language.js";
import { showMembers } from "./members-view.js";
import { messageItem, updateWaiting, waitingItem } from "./message-item.js";
import { titleOf } from "./names.js";

// As near to an end as that counts as being there.
const NEAR_PIXELS = 60;

/** `open` opens another conversation, or none; `shown` answers the one that is open. */
export function conversationView(chat, { open, shown }) {
  const { model } = chat;
  const scroll = byId("scroll");
  const switchComposer = composer(chat, shown);
  let drawn = null;
  let oldest;
  let atEnd = true;

  const nearEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_PIXELS;
  const toEnd = () => (scroll.scrollTop = scroll.scrollHeight);
  const current = () => model.recipientOf(shown() ?? "") && model.conversation(shown());

  scroll.addEventListener("scroll", () => {
    atEnd = nearEnd();
    readOn();
    readOlder();
  });
  document.addEventListener("visibilitychange", readOn);
  addEventListener("resize", () => atEnd && toEnd());
  byId("newest").onclick = () => {
    toEnd();
    byId("body").focus();
  };
  buttons(chat, { open, shown });

  /** What can be seen counts as read. */
  function readOn() {
    const conversation = current();
    if (!conversation) return;
    byId("newest").hidden = atEnd;
    if (atEnd && !document.hidden && conversation.opened) model.markRead(conversation, conversation.lastSeq);
  }

  function readOlder() {
    const conversation = current();
    const isThere = conversation?.opened && model.state === "online" && scroll.scrollTop < NEAR_PIXELS;
    // What was read and is not drawn yet would be above: until then the place says nothing.
    if (isThere && conversation.messages()[0]?.seq === oldest) chat.history.readOlder(conversation);
  }

  return () => {
    const conversation = current();
    byId("nothing").hidden = Boolean(conversation);
    byId("open").hidden = !conversation;
    if (drawn !== shown() || !model.me) {
      drawn = shown();
      atEnd = true;
      byId("messages").replaceChildren();
      switchComposer();
    }
    if (!conversation) {
      for (const id of ["title", "subtitle"]) setText(byId(id), "");
      return;
    }
    drawHead(chat, conversation);
    keepingPlace(scroll, atEnd, () => drawMessages(chat, conversation));
    oldest = conversation.messages()[0]?.seq;
    readOn();
    // What was refused is asked for again when somebody scrolls.
    if (!conversation.refused) readOlder();
  };
}

/** Draws, and leaves what is seen where it is: at the end, or at the same distance from it, as older messages come above. */
function keepingPlace(scroll, atEnd, draw) {
  const list = byId("messages");
  const anchor = [...list.children].find((item) => item.offsetTop + item.offsetHeight > scroll.scrollTop);
  const before = anchor?.offsetTop;
  draw();
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
  else if (anchor?.isConnected) scroll.scrollTop += anchor.offsetTop - before;
}

function drawHead({ model }, conversation) {
  const { user, group } = model.recipientOf(conversation.id);
  const known = model.groups.get(group);
  const friend = model.friends.get(user);
  setText(byId("title"), titleOf(model, conversation.id));
  const ofFriend = friend ? text(friend.online ? "online" : "offline") : "";
  setText(byId("subtitle"), known ? text("group_subtitle", known) : ofFriend);
  byId("befriend").hidden = !user || user === model.me.id || Boolean(friend);
  byId("unfriend").hidden = !friend;
  byId("members").hidden = byId("leave").hidden = !known;
}

function drawMessages({ model, outbox }, conversation) {
  const stored = conversation.messages();
  const waiting = outbox?.entries(conversation.id) ?? [];
  reconcile(
    byId("messages"),
    [...stored, ...waiting],
    (item) => (item.seq ? `seq-${item.seq}` : item.id),
    (item) => (item.seq ? messageItem(item, item.from.id === model.me.id) : waitingItem(item, outbox)),
    (element, item) => item.seq || updateWaiting(element, item),
  );
  setText(byId("history-state"), historyState(model, conversation));
}

function historyState(model, conversation) {
  if (conversation.loading) return text("history_loading");
  if (conversation.refused) return text("history_missing", { reason: reasonOf(conversation.refused) });
  if (!conversation.opened && model.state !== "online") return text("history_offline");
  return conversation.more ? "" : text("history_begins");
}

function buttons(chat, { open, shown }) {
  const { model } = chat;
  const recipient = () => model.recipientOf(shown());
  const confirm = (key, act) => ask({ title: `${text(key)}: ${titleOf(model, shown())}`, confirm: text(key), act });
  byId("back").onclick = () => open(null);
  byId("befriend").onclick = () =>
    ask({
      title: `${text("add_friend")}: ${titleOf(model, shown())}`,
      confirm: text("add_friend"),
      act: () => chat.contacts.addFriend({ user: recipient().user }),
    });
  byId("unfriend").onclick = () => confirm("remove_friend", () => chat.contacts.removeFriend(recipient().user));
  byId("leave").onclick = () =>
    confirm("leave_group", async () => {
      await chat.contacts.leaveGroup(recipient().group);
      open(null);
    });
  byId("members").onclick = () => {
    showMembers(chat, recipient().group, titleOf(model, shown()), (member) => {
      byId("dialog").close();
      open(chat.contacts.conversationWith(member));
    });
  };
}
