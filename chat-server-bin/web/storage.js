// What the browser keeps between visits. A browser that keeps nothing, in a private window or because it is full, does
// not stop the chat.

const PREFIX = "chat.";

/** The value kept under a key; `otherwise` where there is none. */
export function read(key, otherwise = null) {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** Keeps a value, and answers whether it is kept. */
export function write(key, value) {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Forgets a key. */
export function remove(key) {
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // Nothing was kept then.
  }
}

/** The keys that begin with a text, without that text. */
export function keysAfter(beginning) {
  try {
    const keys = Object.keys(localStorage);
    return keys.filter((key) => key.startsWith(PREFIX + beginning)).map((key) => key.slice(PREFIX.length + beginning.length));
  } catch {
    return [];
  }
}

/** Calls `listener(key, value)` for each change that another tab of this browser makes. */
export function onChange(listener) {
  addEventListener("storage", ({ key, newValue }) => {
    if (!key?.startsWith(PREFIX)) return;
    let value = null;
    try {
      value = JSON.parse(newValue);
    } catch {
      // What is no JSON was not written by this client.
    }
    listener(key.slice(PREFIX.length), value);
  });
}
