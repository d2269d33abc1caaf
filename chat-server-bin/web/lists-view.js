// The lists beside the conversation: conversations, friends, groups; and the buttons that begin something.

import { directOf, groupOf } from "./conversation-id.js";
import { ask } from "./dialog.js";
import { byId, element, moveByArrows, reconcile, setText } from "./elements.js";
import { text, timeText } from "./language.js";
import { titleOf } from "./names.js";

/** `open` opens a conversation by its id, `shown` answers the one that is open. */
export function listsView(chat, { open, shown }) {
  const { model } = chat;
  const lists = ["conversations", "friends", "groups"].map(byId);
  lists.forEach(moveByArrows);
  const [conversations, friends, groups] = lists;
  beginnings(chat, open);

  const row = (list, id, items, update) => reconcile(list, items, id, () => makeRow(open), update);
  const fill = (item, id, { title, note = "", badge = "" }) => {
    const button = item.firstElementChild;
    button.dataset.conversation = id;
    if (id === shown()) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    [title, note, badge].forEach((part, index) => setText(button.children[index], part));
  };

  return () => {
    // Who has logged out leaves nothing there.
    if (!model.me) return lists.forEach((list) => list.replaceChildren());
    row(conversations, (conversation) => conversation.id, listed(chat, shown()), (item, conversation) => {
      const unread = conversation.unread();
      fill(item, conversation.id, {
        title: titleOf(model, conversation.id),
        note: conversation.last ? `${timeText(conversation.last.at)} ${firstLine(conversation.last.body)}` : "",
        badge: unread > 0 ? text("unread", { count: unread }) : "",
      });
    });
    row(friends, (friend) => friend.id, byName(model.friends), (item, friend) => {
      item.dataset.online = String(Boolean(friend.online));
      fill(item, directOf(model.me.id, friend.id), { title: friend.name, note: text(friend.online ? "online" : "offline") });
    });
    row(groups, (group) => group.id, byName(model.groups), (item, group) => {
      fill(item, groupOf(group.id), { title: group.name, note: text("group", { id: group.id }) });
    });
  };
}

function makeRow(open) {
  const parts = ["title", "note", "badge"].map((part) => element("span", { class: part, dir: "auto" }));
  return element("li", {}, element("button", { type: "button", onclick: ({ currentTarget }) => open(currentTarget.dataset.conversation) }, ...parts));
}

/** Conversations with messages, and the one that is open, the latest first. */
function listed({ model, outbox }, shown) {
  const all = [...model.conversations.values()];
  const latest = ({ id, last }) => Math.max(last?.at ?? 0, outbox?.entries(id).at(-1)?.at ?? 0);
  return all
    .filter((conversation) => latest(conversation) > 0 || conversation.id === shown)
    .filter((conversation) => model.recipientOf(conversation.id))
    .sort((one, other) => latest(other) - latest(one));
}

const byName = (items) => [...items.values()].sort((one, other) => one.name.localeCompare(other.name) || one.id - other.id);

const firstLine = (body) => body.split("\n", 1)[0].slice(0, 80);

function beginnings(chat, open) {
  const name = () => ({ name: "name", label: text("name_of_user"), required: true, maxlength: 100 });
  byId("new-chat").onclick = () =>
    ask({
      title: text("new_chat"),
      fields: [name()],
      confirm: text("open"),
      act: async (values) => open(await chat.contacts.find(values.name)),
    });
  byId("add-friend").onclick = () =>
    ask({
      title: text("add_friend"),
      fields: [name()],
      confirm: text("add_friend"),
      act: async (values) => open(await chat.contacts.addFriend({ name: values.name })),
    });
  byId("new-group").onclick = () =>
    ask({
      title: text("new_group"),
      fields: [
        { name: "name", label: text("name"), required: true, maxlength: 100 },
        { name: "description", label: text("description"), maxlength: 400 },
      ],
      confirm: text("create"),
      act: async (values) => open(await chat.contacts.createGroup(values.name, values.description)),
    });
  byId("join-group").onclick = () =>
    ask({
      title: text("join_group"),
      fields: [{ name: "group", label: text("group_number"), required: true, inputmode: "numeric", pattern: "[1-9][0-9]*" }],
      confirm: text("join"),
      act: async (values) => open(await chat.contacts.joinGroup(Number(values.group))),
    });
}
