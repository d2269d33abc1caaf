// What a user can do, and what becomes of what the server tells.

import { CONTACTS, Contacts } from "./contacts.js";
import { forgetDeviceOfTab, takeDevice } from "./device.js";
import { History } from "./history.js";
import { Model } from "./model.js";
import { Outbox } from "./outbox.js";
import { Positions } from "./positions.js";
import { Session } from "./session.js";
import { onChange, read, remove, write } from "./storage.js";

// The key of the browser's storage by which a tab tells the others that somebody has logged out.
const LEFT = "left";
// Acknowledgements gather for as long.
const ACK_MS = 200;

export class Chat {
  model = new Model();
  contacts = new Contacts(this.model, (fields) => this.#request(fields));
  history = new History(this.model, (fields) => this.#request(fields));
  outbox = null;
  /** Called with each message that is new, once what came while away is there. */
  onNews = () => {};
  #session;
  #device = "";
  #positions = new Positions();
  #ackDue = false;
  #synced = false;
  #hasOverview = false;
  #shown = null;
  /** Whether the end of the session is somebody's wish, after which the browser keeps nothing of it. */
  #forgets = false;

  constructor() {
    const url = new URL("ws", document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.hash = "";
    this.#session = new Session(url, {
      welcome: (frame) => this.#welcome(frame),
      event: (frame) => this.#events.get(frame.type)?.(frame),
      state: (state, reason) => this.#enterState(state, reason),
    });
    onChange((key, value) => this.#changedElsewhere(key, value));
  }

  /** Goes on where the last visit ended. */
  async begin() {
    this.#device = await takeDevice();
    this.#start();
  }

  #start() {
    const token = read("token");
    if (token) this.#session.start(token, this.#device);
    else this.#enterState("out");
  }

  /** Logs in by password, after registering where `register` says so. */
  enter(credentials) {
    return this.#session.enter(credentials, this.#device);
  }

  /** Logs out, and forgets what was not sent and what the browser keeps. */
  async logOut() {
    this.#forgets = true;
    this.outbox?.clear();
    write(LEFT, Math.random());
    await this.#session.leave();
  }

  /** Takes the session back that went elsewhere. */
  async useHere() {
    if (!navigator.locks) {
      forgetDeviceOfTab();
      this.#device = await takeDevice();
    }
    this.#start();
  }

  /** Sends now, or as soon as there is a connection. Answers whether the browser keeps the message until then. */
  send(conversation, body) {
    return this.outbox.add(conversation, this.model.recipientOf(conversation), body);
  }

  /** The conversation that is shown, by its id; null for none. Its last messages are read, now or after the next login. */
  show(id) {
    this.#shown = id;
    if (!this.model.recipientOf(id ?? "")) return;
    const conversation = this.model.conversation(id);
    if (conversation.opened || this.model.state !== "online") return;
    conversation.opened = true;
    this.history.readNewest(conversation);
  }

  #request(fields) {
    return this.#session.request(fields);
  }

  #changedElsewhere(key, value) {
    // A browser is logged in as one user: its other tabs come along.
    if (key === "token" && value && this.model.state === "out") this.#start();
    if (!this.model.me) return;
    if (key === LEFT) {
      this.#forgets = true;
      this.outbox.clear();
      this.#session.stop();
      return;
    }
    if (key === CONTACTS) this.contacts.ask();
    this.model.readElsewhere(key, value);
    const device = this.outbox.deviceOf(key);
    if (device) this.outbox.watch(device);
  }

  #welcome({ user, token, friends, groups }) {
    if (this.model.me?.id !== user.id) this.#beginAs(user);
    if (token) write("token", token);
    this.model.setFriends(friends);
    this.model.setGroups(groups);
    this.#synced = false;
    if (!this.#hasOverview) this.#askForOverview();
    this.outbox.resume();
  }

  #beginAs(user) {
    this.model.begin(user);
    this.#positions = new Positions();
    this.#hasOverview = false;
    this.outbox = new Outbox(user.id, this.#device, {
      send: ({ id, to, body }) => this.#request({ type: "send", to, body, id }),
      sent: (entry, reply) => this.#sent(entry, reply),
      changed: () => this.model.changed(),
    });
  }

  async #askForOverview() {
    try {
      const { conversations } = await this.#request({ type: "conversations" });
      this.#hasOverview = true;
      for (const { conversation: id, acked_seq: acked, last_message: message } of conversations) {
        const conversation = this.model.conversation(id);
        this.#positions.known(id, acked);
        this.model.readFrom(conversation, acked);
        conversation.note(message);
        this.model.learnName(message.from);
      }
      this.model.changed();
    } catch {
      // The next welcome asks again.
    }
  }

  #enterState(state, reason = null) {
    this.model.state = state;
    this.model.reason = reason;
    if (state === "online") this.show(this.#shown);
    if (state !== "online") this.outbox?.pause();
    if (state === "out") this.#leave();
    this.model.changed();
  }

  #leave() {
    remove("token");
    this.outbox?.close();
    this.outbox = null;
    if (this.#forgets && this.model.me) this.model.forget();
    this.#forgets = false;
    this.model.begin(null);
  }

  #sent({ id, conversation, body }, { seq, at }) {
    this.#positions.sent(conversation, seq);
    const held = this.model.conversation(conversation);
    this.model.readFrom(held, seq - 1);
    this.model.noteOwn(held, seq);
    held.note({ conversation, seq, from: this.model.me, body, at, id });
    this.#acknowledgeSoon();
    this.model.changed();
  }

  #delivered(message) {
    const { conversation: id, seq, from } = message;
    const isFirst = this.#positions.delivered(id, seq);
    this.#acknowledgeSoon();
    if (!isFirst) return;
    const conversation = this.model.conversation(id);
    this.model.readFrom(conversation, seq - 1);
    this.model.learnName(from);
    const isOwn = from.id === this.model.me.id;
    if (isOwn) {
      // Sent by another of the user's devices, who had read what came before; or from here, before a connection was
      // lost.
      this.model.markRead(conversation, seq);
      if (message.id) this.outbox.drop(message.id);
    }
    conversation.note(message);
    const { group } = this.model.recipientOf(id) ?? {};
    if (group && !this.model.groups.has(group)) this.contacts.askForGroups();
    if (this.#synced && !isOwn) this.onNews(message);
    this.model.changed();
  }

  #acknowledgeSoon() {
    if (this.#ackDue) return;
    this.#ackDue = true;
    setTimeout(() => {
      this.#ackDue = false;
      if (this.model.state !== "online") return;
      for (const [conversation, seq] of this.#positions.takeDue()) {
        this.#session.tell({ type: "ack", conversation, seq });
      }
    }, ACK_MS);
  }

  /** What becomes of each event. Others are of newer servers, and ignored. */
  #events = new Map([
    ["message", (frame) => this.#delivered(frame)],
    ["synced", () => this.#enterPresent()],
    ["presence", ({ user, online }) => this.contacts.notePresence(user.id, online)],
    // The event does not tell whether they are online.
    ["friend_added", () => this.contacts.askForFriends()],
    ["friend_removed", ({ user }) => this.contacts.loseFriend(user.id)],
    ["member_joined", ({ group }) => this.contacts.countMember(group, 1)],
    ["member_left", ({ group }) => this.contacts.countMember(group, -1)],
  ]);

  /** All that was stored has come. */
  #enterPresent() {
    this.#synced = true;
    for (const conversation of this.model.conversations.values()) {
      if (conversation.opened) this.history.fillGap(conversation);
    }
    this.model.changed();
  }
}
