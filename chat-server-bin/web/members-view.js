// The members of a group, in a dialog, a page at a time.

import { showDialog } from "./dialog.js";
import { element } from "./elements.js";
import { reasonOf, text } from "./language.js";

/** Shows the members of a group; `open` gets the user whose conversation is wanted. */
export function showMembers(chat, group, title, open) {
  const list = element("ul", { class: "list" });
  const problem = element("p", { role: "alert" });
  const more = element("button", { type: "button", hidden: true, onclick: () => readPage() }, text("show_more"));
  let last;

  async function readPage() {
    try {
      const page = await chat.contacts.members(group, last);
      list.append(...page.members.map((member) => memberItem(member, open)));
      last = page.members.at(-1)?.id ?? last;
      more.hidden = !page.more;
    } catch (error) {
      problem.textContent = reasonOf(error);
    }
  }

  showDialog(`${text("members")}: ${title}`, list, problem, more);
  readPage();
}

function memberItem(member, open) {
  const state = [text(member.online ? "online" : "offline")];
  if (member.role === "creator") state.push(text("creator"));
  const parts = [
    element("span", { class: "title", dir: "auto" }, member.name),
    element("span", { class: "note" }, state.join(", ")),
  ];
  const item = element("li", {}, element("button", { type: "button", onclick: () => open(member) }, ...parts));
  item.dataset.online = String(member.online);
  return item;
}
