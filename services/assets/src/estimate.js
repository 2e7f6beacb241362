// How fast this page sends, and how long the rest will take at that speed.

// In ms. The last seconds count alone, so that the estimate follows the line.
const WINDOW = 8_000;
// Browsers hand the first megabytes to buffers of the system; before this, a speed would be theirs.
const LEAST = 3_000;

export class Estimate {
  /** @type {{ sent: number, now: number }[]} */
  #samples = [];

  /**
   * Note how many bytes this page has sent in all. Parts that storage had already are not among them.
   *
   * @param {number} sent
   */
  note(sent, now = Date.now()) {
    const first = this.#samples.at(0);
    if (this.#samples.length === 1 && first?.sent === sent) this.#samples = []; // nothing travels yet
    this.#samples.push({ sent, now });
    this.#samples = this.#samples.filter((sample) => now - sample.now <= WINDOW);
  }

  /** Nothing is being sent now: begin anew with the next byte. */
  forget() {
    this.#samples = [];
  }

  /** Bytes a second; 0 while nothing is known. */
  get speed() {
    const first = this.#samples.at(0);
    const last = this.#samples.at(-1);
    if (!first || !last || last.now - first.now < LEAST) return 0;
    return ((last.sent - first.sent) * 1000) / (last.now - first.now);
  }

  /**
   * Seconds for so many bytes at this speed; undefined while nothing is known.
   *
   * @param {number} bytes
   */
  secondsFor(bytes) {
    return this.speed > 0 ? bytes / this.speed : undefined;
  }
}
