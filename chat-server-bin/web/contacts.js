// Friends and groups: what a user can do with them, and what is told of them.

import { directOf, groupOf } from "./conversation-id.js";
import { write } from "./storage.js";

/** The key of the browser's storage by which tabs tell each other that friends or groups have changed. */
export const CONTACTS = "contacts";

export class Contacts {
  #model;
  #request;

  /** `request` makes a request and answers its reply. */
  constructor(model, request) {
    this.#model = model;
    this.#request = request;
  }

  /** Finds a user by name, and answers the conversation with them. */
  async find(name) {
    const { user } = await this.#request({ type: "find_user", name });
    return this.conversationWith(user);
  }

  /** The conversation with a user whose id and name are known. */
  conversationWith(user) {
    const id = directOf(this.#model.me.id, user.id);
    this.#model.readFrom(this.#model.conversation(id), 0);
    this.#model.learnName(user);
    this.#model.changed();
    return id;
  }

  /** Adds a friend by `name` or `user`, and answers the conversation with them. */
  async addFriend(by) {
    const { user } = await this.#request({ type: "add_friend", ...by });
    this.#model.friends.set(user.id, user);
    this.#tellOtherTabs();
    return this.conversationWith(user);
  }

  async removeFriend(user) {
    await this.#request({ type: "remove_friend", user });
    this.loseFriend(user);
    this.#tellOtherTabs();
  }

  /** Makes a group, and answers its conversation. */
  async createGroup(name, description) {
    const { group } = await this.#request({ type: "create_group", name, description });
    return this.#enter(group);
  }

  /** Joins a group by its number, and answers its conversation. */
  async joinGroup(number) {
    const { group } = await this.#request({ type: "join_group", group: number });
    return this.#enter(group);
  }

  async leaveGroup(group) {
    await this.#request({ type: "leave_group", group });
    this.#model.forgetGroup(group);
    this.#tellOtherTabs();
  }

  /** A page of a group's members, after a user's id. */
  members(group, after) {
    return this.#request({ type: "members", group, after });
  }

  /** Asks for all friends and groups. */
  ask() {
    this.askForFriends();
    this.askForGroups();
  }

  askForFriends() {
    // What is lost here comes with the next welcome.
    this.#request({ type: "friends" }).then(({ friends }) => this.#model.setFriends(friends), () => {});
  }

  askForGroups() {
    this.#request({ type: "groups" }).then(({ groups }) => this.#model.setGroups(groups), () => {});
  }

  notePresence(user, online) {
    const friend = this.#model.friends.get(user);
    if (friend) friend.online = online;
    this.#model.changed();
  }

  loseFriend(user) {
    this.#model.friends.delete(user);
    this.#model.changed();
  }

  countMember(group, change) {
    const known = this.#model.groups.get(group);
    if (known) known.members += change;
    this.#model.changed();
  }

  #enter(group) {
    this.#model.groups.set(group.id, group);
    this.#tellOtherTabs();
    return groupOf(group.id);
  }

  /** Has the other tabs of this browser ask for friends and groups again: the server tells them nothing. */
  #tellOtherTabs() {
    this.#model.changed();
    write(CONTACTS, Math.random());
  }
}
