// The device that a tab logs in as. Of two sessions of one device the newer replaces the older, so that every open tab
// needs a device of its own; and a device goes on where it stopped, so that a tab takes one that was used before.

import { randomDigits } from "./random.js";
import { read, write } from "./storage.js";

// More tabs than that share the last device, and replace each other.
const MOST_TABS = 50;

/** Takes the first device of this browser that no other tab has, until this tab is closed. */
export async function takeDevice() {
  const browser = read("browser") ?? randomDigits(6);
  write("browser", browser);
  // Locks exist only where the page came by HTTPS, or from this very machine.
  if (!navigator.locks) return deviceOfTab(browser);
  for (let number = 1; number < MOST_TABS; number += 1) {
    const device = `web-${browser}-${number}`;
    if (await held(device)) return device;
  }
  return `web-${browser}-${MOST_TABS}`;
}

/** A name that the tab keeps over a reload. */
function deviceOfTab(browser) {
  const fresh = `web-${browser}-${randomDigits(4)}`;
  try {
    const device = sessionStorage.getItem("chat.device") ?? fresh;
    sessionStorage.setItem("chat.device", device);
    return device;
  } catch {
    return fresh;
  }
}

/** Has the tab take another name next: a tab that was duplicated has that of the first. */
export function forgetDeviceOfTab() {
  try {
    sessionStorage.removeItem("chat.device");
  } catch {
    // Nothing was kept then.
  }
}

/** Whether this tab holds the device from now on. */
function held(device) {
  return new Promise((answer) => {
    navigator.locks
      .request(lockOf(device), { ifAvailable: true }, (lock) => {
        answer(lock !== null);
        // Held until the tab is closed.
        return lock && new Promise(() => {});
      })
      .catch(() => answer(false));
  });
}

/** Calls `then` once no tab has the device. */
export function whenFree(device, then) {
  if (navigator.locks) navigator.locks.request(lockOf(device), then);
  else then();
}

const lockOf = (device) => `chat.device.${device}`;
