// Messages that are read from the server when somebody looks at them.

const PAGE = 50;
const LONGEST_PAGE = 200;

export class History {
  #model;
  #request;

  /** `request` makes a request and answers its reply. */
  constructor(model, request) {
    this.#model = model;
    this.#request = request;
  }

  /** Reads the last messages of a conversation. */
  readNewest(conversation) {
    return this.#read(conversation, undefined, PAGE);
  }

  /** Reads what is older than the oldest message that is held. */
  async readOlder(conversation) {
    if (conversation.more) await this.#read(conversation, conversation.messages()[0]?.seq, PAGE);
  }

  /** Reads what is missing between messages that are held, for example after a group was left and joined again. */
  async fillGap(conversation) {
    const gap = conversation.gap();
    if (gap === 0) return;
    await this.#read(conversation, gap, LONGEST_PAGE);
    const left = conversation.gap();
    if (left !== 0 && left < gap) await this.fillGap(conversation);
  }

  async #read(conversation, before, limit) {
    if (conversation.loading) return;
    conversation.loading = true;
    conversation.refused = null;
    this.#model.changed();
    try {
      this.#hold(conversation, await this.#request({ type: "history", conversation: conversation.id, before, limit }));
    } catch (error) {
      // Without a connection it is read after the next welcome.
      conversation.opened = conversation.messages().length > 0;
      conversation.refused = error.code ? error : null;
    } finally {
      conversation.loading = false;
      this.#model.changed();
    }
  }

  #hold(conversation, { messages, more }) {
    const oldest = conversation.messages()[0]?.seq ?? Infinity;
    conversation.hold(messages);
    // A page between messages that are held says nothing of what is before them all.
    if ((messages[0]?.seq ?? 0) <= oldest) conversation.more = more;
    for (const { from } of messages) this.#model.learnName(from);
    const last = messages.at(-1);
    if (last) conversation.note(last);
  }
}
