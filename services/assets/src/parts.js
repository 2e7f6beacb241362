// Which parts of a file are in storage, which are on their way, and how many bytes that is.

/** @import { StoredPart } from "./api.js" */

export class Parts {
  /** @type {Set<number>} */
  #arrived = new Set();
  /** @type {Map<number, number>} number → bytes handed over so far */
  #travelling = new Map();
  #sent = 0;

  /**
   * @param {number} size of the file
   * @param {number} partSize
   */
  constructor(size, partSize) {
    this.size = size;
    this.partSize = partSize;
    this.count = Math.ceil(size / partSize);
  }

  /**
   * Where part `number`, counted from 1, begins and ends in the file.
   *
   * @param {number} number
   * @returns {[number, number]}
   */
  range(number) {
    return [(number - 1) * this.partSize, Math.min(number * this.partSize, this.size)];
  }

  /** @param {number} number */
  sizeOf(number) {
    const [start, end] = this.range(number);
    return end - start;
  }

  /** The first part that is neither in storage nor on its way. From now on it is on its way. */
  take() {
    for (let number = 1; number <= this.count; number++) {
      if (!this.#arrived.has(number) && !this.#travelling.has(number)) {
        this.#travelling.set(number, 0);
        return number;
      }
    }
    return undefined;
  }

  /**
   * The first `most` numbers that storage does not have, on their way or not.
   *
   * @param {number} most
   */
  missing(most) {
    const numbers = [];
    for (let number = 1; number <= this.count && numbers.length < most; number++) {
      if (!this.#arrived.has(number)) numbers.push(number);
    }
    return numbers;
  }

  /**
   * Note how much of a part has been handed over. A report about a part that does not travel any more changes nothing.
   *
   * @param {number} number
   * @param {number} bytes
   */
  moved(number, bytes) {
    const before = this.#travelling.get(number);
    if (before === undefined) return;
    const now = Math.min(bytes, this.sizeOf(number));
    this.#sent += Math.max(0, now - before);
    this.#travelling.set(number, now);
  }

  /**
   * All of a part has travelled, and storage has it.
   *
   * @param {number} number
   */
  arrive(number) {
    this.moved(number, this.sizeOf(number));
    this.#keep(number);
  }

  /** @param {number} number */
  has(number) {
    return this.#arrived.has(number);
  }

  /**
   * A part has to travel again: it failed, was called back, or storage does not have it after all.
   *
   * @param {number} number
   */
  lose(number) {
    this.#travelling.delete(number);
    this.#arrived.delete(number);
  }

  /**
   * Take over what storage lists. A part of another size is not ours, and is sent again.
   *
   * @param {StoredPart[]} listed
   */
  found(listed) {
    for (const { number, size } of listed) {
      if (number <= this.count && size === this.sizeOf(number)) this.#keep(number);
    }
  }

  /** Bytes that storage has. */
  get stored() {
    return [...this.#arrived].reduce((sum, number) => sum + this.sizeOf(number), 0);
  }

  /** Bytes that storage has, and bytes that are on their way. */
  get bytes() {
    return [...this.#travelling.values()].reduce((sum, bytes) => sum + bytes, this.stored);
  }

  /** Bytes that have travelled from here, those of lost parts too, and none that storage had already. */
  get sent() {
    return this.#sent;
  }

  /** @param {number} number */
  #keep(number) {
    this.#travelling.delete(number);
    this.#arrived.add(number);
  }
}
