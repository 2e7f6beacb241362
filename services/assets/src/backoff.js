// How long to wait after a failure, and for how long to go on at all.

const FIRST = 1_000;
const LONGEST = 30_000;
// Above the ten minutes that a tunnel or a lift may last. What is counted are the waits and not the clock, so that a
// laptop that slept through its failures still has all of it.
const PATIENCE = 15 * 60_000;

/** Milliseconds before the next try: doubling up to half a minute; half of it is chance, so that many do not return together. */
export function delay(failures, random = Math.random) {
  const full = Math.min(LONGEST, FIRST * 2 ** Math.min(failures - 1, 10));
  return full / 2 + (random() * full) / 2;
}

/** Counts failures in a row. Any success makes it new. */
export class Patience {
  #failures = 0;
  #spent = 0;

  /** Milliseconds to wait now, or null where patience is over. What is nobody's fault (`free`: offline) costs none. */
  next({ free = false } = {}) {
    if (this.#spent >= PATIENCE) return null;
    const wait = delay(++this.#failures);
    if (!free) this.#spent += wait;
    return wait;
  }

  renew() {
    this.#failures = 0;
    this.#spent = 0;
  }
}
