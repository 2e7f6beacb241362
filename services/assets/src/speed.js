// How fast bytes were sent over the last few seconds.

const WINDOW = 8_000; // ms

export class Speed {
  /** @type {{ bytes: number, now: number }[]} */
  #samples = [];

  /**
   * Note how many bytes have been sent in all. A smaller number than before, as after a lost part, begins anew.
   *
   * @param {number} bytes
   */
  note(bytes, now = Date.now()) {
    const last = this.#samples.at(-1);
    if (last && bytes < last.bytes) this.#samples = [];
    this.#samples.push({ bytes, now });
    this.#samples = this.#samples.filter((sample) => now - sample.now <= WINDOW);
  }

  /** Bytes a second; 0 if nothing is known. */
  get value() {
    const first = this.#samples.at(0);
    const last = this.#samples.at(-1);
    if (!first || !last || last.now === first.now) return 0;
    return ((last.bytes - first.bytes) * 1000) / (last.now - first.now);
  }
}
