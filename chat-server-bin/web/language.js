// Which language is shown, and the texts in it.

import { read, write } from "./storage.js";
import { languages, texts } from "./texts.js";

let language = read("language") ?? preferred();
if (!(language in languages)) language = "en";

function preferred() {
  const wanted = navigator.languages ?? [navigator.language];
  return wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag in languages) ?? "en";
}

/** The language that is shown. */
export const current = () => language;

/** Shows another language from now on. */
export function choose(chosen) {
  if (!(chosen in languages)) return;
  language = chosen;
  write("language", chosen);
}

/** A text with its values. */
export function text(key, values = {}) {
  return texts[language][key].replace(/\{(\w+)\}/g, (place, name) => values[name] ?? "");
}

/** Why something failed, in words: by the protocol's code, or because there is no connection. */
export function reasonOf(error) {
  const code = `code.${error.code}`;
  if (!error.code) return text("unreachable");
  return code in texts[language] ? text(code, { message: error.message ?? "" }) : (error.message ?? error.code);
}

/** Puts the texts into a part of the document that names them by `data-text` and `data-label`. */
export function translate(root) {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", text(element.dataset.label));
}

/** A time of the protocol for people: the time of day, and the day unless it is today. */
export function timeText(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  const day = isToday ? {} : { year: "numeric", month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", ...day }).format(date);
}
