// Elements of the page. Texts become text nodes and nothing else, whatever is in them.

/** An element that must be there. */
export const byId = (id) => document.getElementById(id);

/** Makes an element with attributes; what is in `children` is elements and texts. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Changes a text only where it differs, so that nothing is announced or selected anew. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`, in their order. What stays is kept, with its focus; `make` gets an item
 * and makes its element, `update` gets the element and the item.
 */
export function reconcile(parent, items, keyOf, make, update = () => {}) {
  const focused = document.activeElement;
  const old = new Map(Array.from(parent.children, (child) => [child.dataset.key, child]));
  const keys = new Set(items.map((item) => String(keyOf(item))));
  for (const [key, child] of old) if (!keys.has(key)) child.remove();
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    const child = old.get(key) ?? make(item);
    child.dataset.key = key;
    update(child, item);
    if (place === child) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  // An element that is moved loses its focus.
  if (focused?.isConnected && document.activeElement !== focused && parent.contains(focused)) focused.focus();
}

/** Moves the focus between the buttons of a list by the arrow keys. */
export function moveByArrows(list) {
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...list.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
