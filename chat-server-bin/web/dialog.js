// Questions, one at a time, in the dialog of the browser, which keeps the focus inside and gives it back.

import { byId, element } from "./elements.js";
import { reasonOf, text } from "./language.js";

/**
 * Asks for values. `fields` have `name`, `label` and the attributes of an input; `act` gets the values by name, and the
 * dialog stays open, with the reason, while it fails.
 */
export function ask({ title, note, fields = [], confirm, act }) {
  const problem = element("p", { role: "alert" });
  const rows = fields.map(({ label, ...attributes }) => {
    return element("label", {}, element("span", {}, label), element("input", { dir: "auto", autocomplete: "off", ...attributes }));
  });
  const form = element(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        problem.textContent = "";
        try {
          await act(Object.fromEntries(new FormData(form)));
          close();
        } catch (error) {
          problem.textContent = reasonOf(error);
        }
      },
    },
    heading(title),
    ...(note ? [element("p", {}, note)] : []),
    ...rows,
    problem,
    element(
      "div",
      { class: "buttons" },
      element("button", { type: "submit", class: "first" }, confirm),
      element("button", { type: "button", onclick: close }, text("cancel")),
    ),
  );
  show(form);
}

/** Shows elements with a title until the dialog is closed. */
export function showDialog(title, ...content) {
  const closing = element("button", { type: "button", onclick: close }, text("close"));
  show(element("div", {}, heading(title), ...content, element("div", { class: "buttons" }, closing)));
}

const heading = (title) => element("h2", { id: "dialog-title", dir: "auto" }, title);

function show(content) {
  const dialog = byId("dialog");
  dialog.replaceChildren(content);
  dialog.onclose = () => dialog.replaceChildren();
  if (!dialog.open) dialog.showModal();
}

/** Ends the question, or what is shown. */
export function close() {
  byId("dialog").close();
}
