// How many parts travel at the same time, of all files together: parts wait for a lane, so that a weak line is not
// overloaded.

const MOST = 4;

/** @typedef {{ enter: () => void }} Waiting */

/**
 * Lanes halve when a part fails, because a weak line first loses several parts at once. They grow back by one after
 * every lane has carried two parts well.
 */
export class Lanes {
  #limit = MOST;
  #used = 0;
  /** @type {Waiting[]} */
  #waiting = [];
  #successes = 0;
  #era = 0;

  get limit() {
    return this.#limit;
  }

  /**
   * Wait for a free lane. Give the result to `release`, once. Rejects with the signal's reason.
   *
   * @param {AbortSignal} [signal]
   * @returns {Promise<number>}
   */
  async take(signal) {
    signal?.throwIfAborted();
    if (this.#used < this.#limit) this.#used++;
    else await this.#turn(signal);
    return this.#era;
  }

  /**
   * @param {number} era what `take` gave
   * @param {boolean} [failed] whether the part failed; undefined if it was called back
   */
  release(era, failed) {
    this.#used--;
    // One lost connection fails every part on it: parts that set out before a halving do not halve again.
    if (failed && era === this.#era) {
      this.#limit = Math.max(1, Math.floor(this.#limit / 2));
      this.#era++;
      this.#successes = 0;
    } else if (failed === false) {
      this.#succeeded();
    }
    while (this.#used < this.#limit && this.#waiting.length) {
      this.#used++;
      this.#waiting.shift()?.enter();
    }
  }

  /** The line is slow: let one part at a time have all of it. */
  narrow() {
    this.#limit = 1;
    this.#era++;
    this.#successes = 0;
  }

  #succeeded() {
    this.#successes++;
    if (this.#successes < 2 * this.#limit) return;
    this.#limit = Math.min(MOST, this.#limit + 1);
    this.#successes = 0;
  }

  /**
   * Stand in line until `release` lets this caller enter.
   *
   * @param {AbortSignal} [signal]
   */
  #turn(signal) {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal?.reason);
      };
      const enter = () => {
        signal?.removeEventListener("abort", leave);
        resolve(undefined);
      };
      const waiting = { enter };
      this.#waiting.push(waiting);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }
}
