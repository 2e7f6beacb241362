// Which parts of a file are in storage, which are on their way, and how much that is.

export class Parts {
  #arrived = new Set();
  #travelling = new Map(); // number → bytes handed over so far

  constructor(size, partSize) {
    this.size = size;
    this.partSize = partSize;
    this.count = Math.ceil(size / partSize);
  }

  /** Where part `number`, counted from 1, begins and ends in the file. */
  range(number) {
    return [(number - 1) * this.partSize, Math.min(number * this.partSize, this.size)];
  }

  sizeOf(number) {
    const [start, end] = this.range(number);
    return end - start;
  }

  /** The first part that is neither there nor on its way, from now on on its way; undefined where there is none. */
  take() {
    for (let number = 1; number <= this.count; number++) {
      if (!this.#arrived.has(number) && !this.#travelling.has(number)) {
        this.#travelling.set(number, 0);
        return number;
      }
    }
    return undefined;
  }

  /** The first `most` numbers that storage does not have, on their way or not. */
  missing(most) {
    const numbers = [];
    for (let number = 1; number <= this.count && numbers.length < most; number++) {
      if (!this.#arrived.has(number)) numbers.push(number);
    }
    return numbers;
  }

  moved(number, bytes) {
    if (this.#travelling.has(number)) this.#travelling.set(number, Math.min(bytes, this.sizeOf(number)));
  }

  arrive(number) {
    this.#travelling.delete(number);
    this.#arrived.add(number);
  }

  has(number) {
    return this.#arrived.has(number);
  }

  /** It has to travel again: it failed, was called back, or storage does not have it after all. */
  lose(number) {
    this.#travelling.delete(number);
    this.#arrived.delete(number);
  }

  /** Take over what storage lists. A part of another size is none of ours, and is sent again. */
  found(listed) {
    for (const { number, size } of listed) {
      if (number <= this.count && size === this.sizeOf(number)) this.arrive(number);
    }
  }

  /** Bytes that storage has. */
  get stored() {
    return [...this.#arrived].reduce((sum, number) => sum + this.sizeOf(number), 0);
  }

  /** Bytes that storage has, and those that are on their way there. */
  get bytes() {
    return [...this.#travelling.values()].reduce((sum, bytes) => sum + bytes, this.stored);
  }
}
