// What a screen reader says without being asked.

import { byId, element } from "./elements.js";

const MOST = 5;
const LONGEST = 300;

/** Forgets what was announced. */
export function forgetAnnouncements() {
  byId("announcements").replaceChildren();
}

/** Has a text read out when nothing else is. */
export function announce(text) {
  const region = byId("announcements");
  region.append(element("p", { dir: "auto" }, text.slice(0, LONGEST)));
  while (region.childElementCount > MOST) region.firstElementChild.remove();
}
