// How fast it goes, over the last few seconds.

const WINDOW = 8_000;

export class Speed {
  #samples = [];

  /** Note how many bytes have been sent in all; a smaller number than before, as after a lost part, begins anew. */
  note(bytes, now = Date.now()) {
    if (this.#samples.length && bytes < this.#samples.at(-1).bytes) this.#samples = [];
    this.#samples.push({ bytes, now });
    while (now - this.#samples[0].now > WINDOW) this.#samples.shift();
  }

  /** Bytes a second; 0 where nothing is known. */
  get value() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || last.now === first.now) return 0;
    return ((last.bytes - first.bytes) * 1000) / (last.now - first.now);
  }
}
