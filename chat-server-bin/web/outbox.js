// Messages that the server has not answered yet. They are kept by the browser, sent again under the same id after every
// loss, and one after the other in each conversation, so that none is lost, doubled or overtaken.

import { whenFree } from "./device.js";
import { randomDigits } from "./random.js";
import { keysAfter, read, remove, write } from "./storage.js";
import { Lost } from "./socket.js";

// Refusals after which the same message is sent again, after a while.
const PASSING = new Set(["rate_limited", "unavailable"]);
const PAUSE_MS = 1_000;

export class Outbox {
  #key;
  #others;
  #device;
  #on;
  #entries;
  #busy = new Set();
  #watched = new Set();
  #online = false;
  #closed = false;

  /** `on` has `send(entry)`, which answers the reply, `sent(entry, reply)` and `changed()`. */
  constructor(user, device, on) {
    this.#others = `outbox.${user}.`;
    this.#device = device;
    this.#key = this.#others + device;
    this.#on = on;
    this.#entries = read(this.#key, []);
    for (const other of keysAfter(this.#others)) this.watch(other);
  }

  /** What waits in a conversation, or in all of them, in the order in which it was written. */
  entries(conversation) {
    return this.#entries.filter((entry) => !conversation || entry.conversation === conversation);
  }

  /** Takes a message. Answers whether the browser keeps it, should the page be closed now. */
  add(conversation, to, body) {
    const id = `${this.#device}-${randomDigits(8)}`;
    this.#entries.push({ id, conversation, to, body, at: Date.now() });
    const kept = this.#save();
    this.#pump(conversation);
    return kept;
  }

  /** There is a session: what waits is sent. */
  resume() {
    this.#online = true;
    for (const conversation of new Set(this.#entries.map((entry) => entry.conversation))) this.#pump(conversation);
  }

  /** There is no session. */
  pause() {
    this.#online = false;
  }

  /** Sends a message again that was refused. */
  retry(id) {
    const entry = this.#entries.find((candidate) => candidate.id === id);
    if (!entry) return;
    delete entry.refused;
    this.#save();
    this.#pump(entry.conversation);
  }

  /** Forgets a message that was refused, or that is known to be stored. */
  drop(id) {
    const left = this.#entries.filter((entry) => entry.id !== id);
    if (left.length === this.#entries.length) return;
    this.#entries = left;
    this.#save();
  }

  /** How many messages of this user were not sent yet, from this tab and from others. */
  unsent() {
    const others = keysAfter(this.#others).filter((device) => device !== this.#device);
    return others.reduce((sum, device) => sum + read(this.#others + device, []).length, this.#entries.length);
  }

  /** Forgets all messages of this user, also those of other tabs, and takes nothing over any more. */
  clear() {
    this.#entries = [];
    this.close();
    this.#save();
    for (const device of keysAfter(this.#others)) remove(this.#others + device);
  }

  /** Takes nothing over any more. */
  close() {
    this.#closed = true;
    this.#online = false;
  }

  /** Takes over what another tab leaves behind, once it is closed. */
  watch(device) {
    if (device === this.#device || this.#watched.has(device)) return;
    this.#watched.add(device);
    whenFree(device, () => {
      this.#watched.delete(device);
      if (!this.#closed) this.#adopt(device);
    });
  }

  /** The device that a changed key of the browser's storage tells of, where it is this user's. */
  deviceOf(key) {
    return key.startsWith(this.#others) ? key.slice(this.#others.length) : null;
  }

  #adopt(device) {
    const known = new Set(this.#entries.map((entry) => entry.id));
    const found = read(this.#others + device, []).filter((entry) => !known.has(entry.id));
    this.#entries.unshift(...found);
    // Kept here before it is forgotten there: the same message twice has one id, and is stored once.
    if (this.#save()) remove(this.#others + device);
    if (this.#online) this.resume();
  }

  async #pump(conversation) {
    const entry = this.#entries.find((candidate) => candidate.conversation === conversation && !candidate.refused);
    if (!this.#online || !entry || this.#busy.has(conversation)) return;
    this.#busy.add(conversation);
    const pause = await this.#deliver(entry);
    this.#busy.delete(conversation);
    if (pause === null) return;
    if (pause === 0) this.#pump(conversation);
    else setTimeout(() => this.#pump(conversation), pause);
  }

  /** Sends one message. Answers the pause before the next; null where the next session sends it again. */
  async #deliver(entry) {
    try {
      const reply = await this.#on.send(entry);
      this.drop(entry.id);
      this.#on.sent(entry, reply);
      return 0;
    } catch (error) {
      if (error instanceof Lost) return null;
      if (PASSING.has(error.code)) return Math.max(error.retryAfter ?? 0, PAUSE_MS);
      entry.refused = { code: error.code ?? "internal", message: error.message };
      this.#save();
      return 0;
    }
  }

  #save() {
    this.#on.changed();
    if (this.#entries.length > 0) return write(this.#key, this.#entries);
    remove(this.#key);
    return true;
  }
}
