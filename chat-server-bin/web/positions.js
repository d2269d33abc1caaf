// How far each conversation has arrived: what comes again is left out, and what has come is acknowledged.

export class Positions {
  #positions = new Map();
  #due = new Map();

  /** Notes how far the server knows that this device has come. */
  known(conversation, seq) {
    const position = this.#position(conversation);
    position.arrived = Math.max(position.arrived, seq);
    this.#passOwn(conversation, position);
  }

  /** Notes a delivery, and answers whether it is the first of this message. Deliveries come in order, without gaps. */
  delivered(conversation, seq) {
    const position = this.#position(conversation);
    // It came again because its acknowledgement was lost.
    if (seq <= position.arrived) {
      this.#due.set(conversation, position.arrived);
      return false;
    }
    const first = !position.own.has(seq);
    position.arrived = seq;
    this.#due.set(conversation, seq);
    this.#passOwn(conversation, position);
    return first;
  }

  /** Notes an own message: it is acknowledged once everything before it has arrived. */
  sent(conversation, seq) {
    const position = this.#position(conversation);
    if (seq <= position.arrived) return;
    position.own.add(seq);
    this.#passOwn(conversation, position);
  }

  /** Takes what is to be acknowledged: pairs of a conversation and a seq. */
  takeDue() {
    const due = [...this.#due];
    this.#due.clear();
    return due;
  }

  #passOwn(conversation, position) {
    while (position.own.has(position.arrived + 1)) {
      position.arrived += 1;
      this.#due.set(conversation, position.arrived);
    }
    for (const seq of position.own) if (seq <= position.arrived) position.own.delete(seq);
  }

  #position(conversation) {
    let position = this.#positions.get(conversation);
    if (!position) this.#positions.set(conversation, (position = { arrived: 0, own: new Set() }));
    return position;
  }
}
