// How many parts travel at the same time, of all files together: a weak line is shared, not divided.

const MOST = 4;

/**
 * Lanes halve when a part fails, since several parts at once are what a weak line loses first. They grow back by one
 * after every lane has carried two parts well.
 */
export class Lanes {
  #limit = MOST;
  #used = 0;
  #waiting = [];
  #well = 0;
  #era = 0;

  get limit() {
    return this.#limit;
  }

  /** Wait for a free lane. Give what this returns to `release`, once. Rejects with the signal's reason. */
  async take(signal) {
    signal?.throwIfAborted();
    if (this.#used >= this.#limit) {
      await new Promise((resolve, reject) => {
        const place = { resolve, signal };
        place.leave = () => {
          this.#waiting.splice(this.#waiting.indexOf(place), 1);
          reject(signal.reason);
        };
        signal?.addEventListener("abort", place.leave, { once: true });
        this.#waiting.push(place);
      });
    } else {
      this.#used++;
    }
    return this.#era;
  }

  /** `failed`: true or false for a part that failed or arrived, undefined for one that was called back. */
  release(era, failed) {
    this.#used--;
    // One lost connection fails all parts that were on it: those that set out before a halving do not halve again.
    if (failed && era === this.#era) {
      this.#limit = Math.max(1, Math.floor(this.#limit / 2));
      this.#era++;
      this.#well = 0;
    } else if (failed === false && ++this.#well >= 2 * this.#limit) {
      this.#limit = Math.min(MOST, this.#limit + 1);
      this.#well = 0;
    }
    while (this.#used < this.#limit && this.#waiting.length) {
      const next = this.#waiting.shift();
      next.signal?.removeEventListener("abort", next.leave);
      this.#used++;
      next.resolve();
    }
  }
}
