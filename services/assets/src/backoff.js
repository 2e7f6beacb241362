// How long to wait after a failure, and when to give up. All times are in ms.

const FIRST = 1_000;
const LONGEST = 30_000;
// A tunnel or a lift may last ten minutes. We count the waits and not the clock, so that a laptop that slept through its
// failures still has all of its tries.
const LONGEST_IN_ALL = 15 * 60_000;

/**
 * The wait before the next try: doubling up to half a minute. Half of it is chance, so that many do not return together.
 *
 * @param {number} failures in a row
 */
export function delay(failures, random = Math.random) {
  const full = Math.min(LONGEST, FIRST * 2 ** Math.min(failures - 1, 10));
  return full / 2 + (random() * full) / 2;
}

/** Counts failures in a row. Any success renews it. */
export class Patience {
  #failures = 0;
  #spent = 0;

  /** How long to wait now, or null once patience is over. A wait that is `free`, as while offline, costs none. */
  next({ free = false } = {}) {
    if (this.#spent >= LONGEST_IN_ALL) return null;
    this.#failures++;
    const wait = delay(this.#failures);
    if (!free) this.#spent += wait;
    return wait;
  }

  renew() {
    this.#failures = 0;
    this.#spent = 0;
  }
}
