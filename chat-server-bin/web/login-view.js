// The entrance: logging in and registering.

import { byId, setText } from "./elements.js";
import { reasonOf } from "./language.js";

export function loginView(chat) {
  const { model } = chat;
  const [entrance, form, problem] = [byId("entrance"), byId("login"), byId("login-error")];
  let busy = false;
  let refused = null;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    refused = null;
    setText(problem, "");
    const register = event.submitter?.value === "register";
    try {
      await chat.enter({ name: form.elements.name.value, password: form.elements.password.value, register });
      form.reset();
    } catch (error) {
      refused = error;
      setText(problem, reasonOf(error));
    } finally {
      busy = false;
    }
  });

  return () => {
    const show = model.state === "out" && !model.me;
    if (show && model.reason && !refused) setText(problem, reasonOf(model.reason));
    if (entrance.hidden === !show) return;
    entrance.hidden = !show;
    if (show) form.elements.name.focus();
    else setText(problem, "");
  };
}
