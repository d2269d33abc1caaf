// What is known and shown: people, friends, groups, conversations and their messages. Who changes it calls `changed`, and
// listeners are called soon after, once for many changes.

import { directOf, groupOf, recipientOf } from "./conversation-id.js";
import { read, remove, write } from "./storage.js";

const CHANGE_MS = 30;
// Where a conversation that stays open gets more messages than that, only the newest are kept; scrolling up reads others
// again.
const MOST_MESSAGES = 2_000;
const KEPT_MESSAGES = 1_000;

export class Model {
  me = null;
  friends = new Map();
  groups = new Map();
  conversations = new Map();
  state = "connecting";
  /** Why it ended, where it did: the protocol's code and message. */
  reason = null;
  #names = new Map();
  #listeners = [];
  #due = false;
  /** Conversations whose position is to be kept by the browser. */
  #unkept = new Set();

  /** Calls `listener` after changes. */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  /** Has the listeners called. */
  changed() {
    if (this.#due) return;
    this.#due = true;
    setTimeout(() => {
      this.#due = false;
      this.#keepRead();
      for (const listener of this.#listeners) listener();
    }, CHANGE_MS);
  }

  /** Begins anew, for a user or for nobody. */
  begin(me) {
    this.me = me;
    this.friends.clear();
    this.groups.clear();
    this.conversations.clear();
    this.#unkept.clear();
    this.#names = new Map(me ? read(`names.${me.id}`, []) : []);
    if (me) this.#names.set(me.id, me.name);
    this.changed();
  }

  setFriends(friends) {
    this.friends = new Map(friends.map((friend) => [friend.id, friend]));
    for (const friend of friends) this.#names.set(friend.id, friend.name);
    this.changed();
  }

  setGroups(groups) {
    this.groups = new Map(groups.map((group) => [group.id, group]));
    this.changed();
  }

  /** Remembers a name, also for later visits: the protocol finds users by name and not by id. */
  learnName({ id, name }) {
    if (this.#names.get(id) === name) return;
    this.#names.set(id, name);
    const partners = [...this.#names].filter(([other]) => this.conversations.has(directOf(this.me.id, other)));
    write(`names.${this.me.id}`, partners);
  }

  /** A user's name, where it is known. */
  nameOf(user) {
    return this.#names.get(user);
  }

  /** The other user or the group of a conversation, or null. */
  recipientOf(id) {
    return this.me && recipientOf(id, this.me.id);
  }

  /** A conversation, which begins with its first mention. */
  conversation(id) {
    let conversation = this.conversations.get(id);
    if (!conversation) {
      conversation = new Conversation(id, read(this.#readKey(), {})[id]);
      this.conversations.set(id, conversation);
    }
    return conversation;
  }

  /** Forgets a group that was left, and its conversation, which can be read no more. */
  forgetGroup(group) {
    this.groups.delete(group);
    this.conversations.delete(groupOf(group));
    this.changed();
  }

  /** Notes where what is unread begins, unless that is known already. */
  readFrom(conversation, seq) {
    if (conversation.read === undefined) this.markRead(conversation, seq);
  }

  /** Notes that a conversation was read up to a message. Other tabs learn of it by the browser's storage. */
  markRead(conversation, seq) {
    if (conversation.read >= seq) return;
    conversation.setRead(seq);
    this.#unkept.add(conversation);
    this.changed();
  }

  /** Notes a message that was sent from here: late perhaps, after others that nobody has read. */
  noteOwn(conversation, seq) {
    if (conversation.read === seq - 1) this.markRead(conversation, seq);
    else conversation.noteOwn(seq);
  }

  #keepRead() {
    if (this.#unkept.size === 0) return;
    const kept = read(this.#readKey(), {});
    for (const { id, read: seq } of this.#unkept) kept[id] = Math.max(kept[id] ?? 0, seq);
    write(this.#readKey(), kept);
    this.#unkept.clear();
  }

  /** Takes over what was read in another tab. */
  readElsewhere(key, positions) {
    if (!this.me || key !== this.#readKey()) return;
    for (const [id, seq] of Object.entries(positions ?? {})) this.conversations.get(id)?.setRead(seq);
    this.changed();
  }

  /** Has the browser forget what it keeps of this user. */
  forget() {
    this.#unkept.clear();
    remove(this.#readKey());
    remove(`names.${this.me.id}`);
  }

  /** How many messages are unread. */
  unread() {
    return [...this.conversations.values()].reduce((sum, conversation) => sum + conversation.unread(), 0);
  }

  #readKey() {
    return `read.${this.me.id}`;
  }
}

/** A conversation: its last message, how far it was read, and, once it was opened, its messages. */
class Conversation {
  lastSeq = 0;
  last = null;
  /** Whether older messages can be read, which is not known before the first were. */
  more = true;
  opened = false;
  loading = false;
  /** Why its history could not be read: the protocol's code and message. */
  refused = null;
  /** All up to here was read; undefined while that is not known. */
  read;
  #messages = new Map();
  #sorted = null;
  #ownUnread = new Set();

  constructor(id, read) {
    this.id = id;
    this.read = read;
  }

  /** The messages that are held, in order. */
  messages() {
    this.#sorted ??= [...this.#messages.values()].sort((one, other) => one.seq - other.seq);
    return this.#sorted;
  }

  /** Notes a message that is told of: delivered, sent here, or the last one of an overview. */
  note(message) {
    if (message.seq > this.lastSeq) {
      this.lastSeq = message.seq;
      this.last = message;
    }
    if (!this.opened) return;
    this.hold([message]);
    if (this.#messages.size > MOST_MESSAGES) this.#letOldOnesGo();
  }

  /** Holds messages, which may be held already. */
  hold(messages) {
    for (const message of messages) this.#messages.set(message.seq, message);
    this.#sorted = null;
  }

  #letOldOnesGo() {
    for (const { seq } of this.messages().slice(0, -KEPT_MESSAGES)) this.#messages.delete(seq);
    this.#sorted = null;
    this.more = true;
  }

  /** The seq of the message before which the last gap is; 0 where there is none. */
  gap() {
    const messages = this.messages();
    const after = messages.findLast((message, index) => index > 0 && messages[index - 1].seq + 1 < message.seq);
    return after?.seq ?? 0;
  }

  setRead(seq) {
    this.read = Math.max(this.read ?? 0, seq);
    for (const own of this.#ownUnread) if (own <= this.read) this.#ownUnread.delete(own);
  }

  /** An own message among unread ones, which is not unread itself. */
  noteOwn(seq) {
    if (seq > (this.read ?? 0)) this.#ownUnread.add(seq);
  }

  unread() {
    if (this.read === undefined) return 0;
    return Math.max(0, this.lastSeq - this.read - this.#ownUnread.size);
  }
}
