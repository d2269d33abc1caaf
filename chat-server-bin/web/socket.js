// One connection: frames, which reply belongs to which request, and whether anybody is still there.

// A silence after which the server is asked whether it is there, and the time it has to answer.
const SILENCE_MS = 25_000;
const ANSWER_MS = 8_000;
const OPENING_MS = 15_000;
const SUBPROTOCOL = "chat.v1";

/** The server refused a request; `code` is the protocol's. */
export class Refused extends Error {
  constructor({ code, message, retry_after_ms: retryAfter }) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** The connection ended before the reply came. */
export class Lost extends Error {}

export class Socket {
  #socket;
  #onEvent;
  #waiting = new Map();
  #nextRef = 1;
  #heard = 0;
  #watch = 0;
  #goodbye = null;
  #end;

  /** Settles when the connection is open; fails with `Lost` where it cannot be. */
  opened;
  /** Settles with the server's `goodbye`, or null, when the connection has ended. */
  ended;

  /** Connects, and calls `onEvent` with each event. */
  constructor(url, onEvent) {
    this.#onEvent = onEvent;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#socket = new WebSocket(url, [SUBPROTOCOL]);
    this.opened = new Promise((resolve, reject) => {
      this.#socket.onopen = () => {
        this.#hear();
        resolve();
      };
      this.ended.then(() => reject(new Lost()));
    });
    // Who makes no request is not told twice.
    this.opened.catch(() => {});
    this.#socket.onmessage = ({ data }) => this.#take(data);
    this.#socket.onclose = () => this.close();
    this.#watch = setTimeout(() => this.close(), OPENING_MS);
  }

  /** Makes a request, and answers its reply. */
  request(fields) {
    if (!this.#isOpen()) return Promise.reject(new Lost());
    const ref = this.#nextRef++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(ref, { resolve, reject });
      this.#socket.send(JSON.stringify({ ...fields, ref }));
    });
  }

  /** Sends what gets no reply. */
  tell(fields) {
    if (this.#isOpen()) this.#socket.send(JSON.stringify(fields));
  }

  /** Asks at once whether the server is there, and ends the connection where it does not answer. */
  probe() {
    if (!this.#isOpen()) return;
    const asked = performance.now();
    this.request({ type: "ping" }).catch(() => {});
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => (this.#heard < asked ? this.close() : this.#hear()), ANSWER_MS);
  }

  /** Ends the connection. The network may be gone, so nobody waits for the other side. */
  close() {
    clearTimeout(this.#watch);
    this.#socket.onmessage = this.#socket.onclose = this.#socket.onopen = null;
    this.#socket.close();
    for (const { reject } of this.#waiting.values()) reject(new Lost());
    this.#waiting.clear();
    this.#end(this.#goodbye);
  }

  #isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  #hear() {
    this.#heard = performance.now();
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.probe(), SILENCE_MS);
  }

  #take(data) {
    this.#hear();
    const frame = JSON.parse(data);
    const waiting = this.#waiting.get(frame.ref);
    if (waiting) {
      this.#waiting.delete(frame.ref);
      if (frame.type === "error") waiting.reject(new Refused(frame));
      else waiting.resolve(frame);
    } else if (frame.type === "goodbye") {
      this.#goodbye = frame;
      this.close();
    } else {
      this.#onEvent(frame);
    }
  }
}
