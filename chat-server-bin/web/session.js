// Stays logged in: connects again after every loss, until somebody logs out or the server says that it makes no sense.

import { Lost, Refused, Socket } from "./socket.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
// A session that lasted as long is no failure.
const STABLE_MS = 5_000;
// How long the server may take to answer a logout.
const LEAVING_MS = 3_000;
// Goodbyes after which another attempt would do harm.
const FINAL = new Set(["replaced", "expelled", "frame_too_large"]);
// Refusals of a login that another attempt can mend.
const PASSING = new Set(["rate_limited", "unavailable", "internal"]);

export class Session {
  #url;
  #on;
  #device = "";
  #token = null;
  #left = true;
  #socket = null;
  #opening = null;
  #hurry = () => {};

  /**
   * `on` has `welcome(frame)`, `event(frame)` and `state(name, reason)`; the names are `out`, `connecting`, `online`,
   * `offline` and `ended`.
   */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#socket?.probe());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.#hurry();
      this.#socket?.probe();
    });
  }

  /** Logs in by token, now or as soon as there is a connection. */
  start(token, device) {
    this.#token = token;
    this.#device = device;
    this.#left = false;
    this.#on.state("connecting");
    this.#stay(null);
  }

  /** Logs in by password, after registering where `register` says so. Fails with `Lost` or `Refused`. */
  async enter({ name, password, register }, device) {
    this.#device = device;
    const socket = new Socket(this.#url, this.#on.event);
    try {
      await socket.opened;
      if (register) await socket.request({ type: "register", name, password });
      const welcome = await socket.request({ type: "login", name, password, device });
      // Another tab has logged in meanwhile, and this one with it.
      if (!this.#left) return socket.close();
      this.#left = false;
      this.#token = null;
      this.#stay({ socket, welcome });
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Ends the session, and revokes its token where the server can be reached. */
  async leave() {
    const socket = this.#socket;
    this.#left = true;
    this.#hurry();
    this.#opening?.close();
    const loggedOut = socket?.request({ type: "logout" }).catch(() => {});
    await Promise.race([loggedOut, new Promise((resolve) => setTimeout(resolve, LEAVING_MS))]);
    socket?.close();
  }

  /** Stops without logging out, since another tab has done so. */
  stop() {
    this.#left = true;
    this.#hurry();
    this.#opening?.close();
    this.#socket?.close();
  }

  /** Makes a request; fails with `Lost` where there is no session. */
  request(fields) {
    return this.#socket?.request(fields) ?? Promise.reject(new Lost());
  }

  /** Sends what gets no reply. */
  tell(fields) {
    this.#socket?.tell(fields);
  }

  async #stay(connection) {
    let failures = 0;
    while (!this.#left) {
      connection ??= await this.#connect();
      let wish = connection.wish;
      if (connection.refused) return this.#finish("out", connection.refused);
      if (connection.welcome && !this.#left) {
        const since = performance.now();
        const goodbye = await this.#live(connection);
        if (FINAL.has(goodbye?.code)) return this.#finish("ended", goodbye);
        if (performance.now() - since > STABLE_MS) failures = 0;
        wish = goodbye?.retry_after_ms;
      }
      connection.socket?.close();
      connection = null;
      if (this.#left || !this.#token) break;
      this.#on.state("offline");
      await this.#pause(failures++, wish);
    }
    this.#finish("out");
  }

  /** One attempt: a connection with its welcome, what the server wishes before the next, or why there is no next. */
  async #connect() {
    const socket = new Socket(this.#url, this.#on.event);
    this.#opening = socket;
    try {
      await socket.opened;
      const welcome = await socket.request({ type: "login", token: this.#token, device: this.#device });
      return { socket, welcome };
    } catch (error) {
      socket.close();
      if (error instanceof Refused && !PASSING.has(error.code)) return { refused: error };
      const goodbye = await socket.ended;
      return { wish: error.retryAfter ?? goodbye?.retry_after_ms };
    } finally {
      this.#opening = null;
    }
  }

  /** A session from its welcome to its end. */
  async #live({ socket, welcome }) {
    this.#socket = socket;
    this.#token = welcome.token ?? this.#token;
    this.#on.welcome(welcome);
    this.#on.state("online");
    const goodbye = await socket.ended;
    this.#socket = null;
    return goodbye;
  }

  /** Waits longer after each failure, by a time that differs between clients, or as long as the server asked. */
  #pause(failures, wish = 0) {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
    const pause = Math.max(longest * (0.5 + Math.random() / 2), Math.min(wish, LONGEST_PAUSE_MS));
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #finish(state, reason) {
    this.#left = true;
    this.#on.state(state, reason);
  }
}
