// Where the parts of one upload are to be sent: signed URLs, renewed in time, and how often each was refused.

import { Final, Passing } from "./faults.js";

/** @import { Api, SignedPart } from "./api.js" */
/** @import { Parts } from "./parts.js" */
/** @typedef {{ url: string, headers: Record<string, string>, at: number }} Target `at`: when it was signed */

// In ms. The server signs for 15 minutes; a URL older than this may expire while its part waits for a lane.
const FRESH = 10 * 60_000;
const SIGNED_AHEAD = 8;
// So many refusals of one part, each with a URL that was just signed, are final.
const REFUSALS = 5;

export class Schedule {
  #api;
  #id;
  #parts;
  /** @type {Map<number, Target>} */
  #targets = new Map();
  /** @type {Map<number, number>} */
  #refusals = new Map();
  /** @type {Promise<void> | null} */
  #signing = null;

  /**
   * @param {Pick<Api, "sign">} api
   * @param {string} id the upload's
   * @param {Parts} parts
   */
  constructor(api, id, parts) {
    this.#api = api;
    this.#id = id;
    this.#parts = parts;
  }

  /**
   * Send these parts to their signed URLs.
   *
   * @param {SignedPart[]} signed
   * @param {number} at when they were signed
   */
  know(signed, at) {
    for (const { number, url, headers } of signed) this.#targets.set(number, { url, headers, at });
  }

  /**
   * Where to send a part now. Several parts are signed together, and an old URL is signed anew: a laptop may sleep for
   * 20 minutes. Raises what `Api.sign` raises.
   *
   * @param {number} number
   * @param {AbortSignal} signal
   * @returns {Promise<Target>}
   */
  async target(number, signal) {
    for (;;) {
      const target = this.#targets.get(number);
      if (target && fresh(target)) return target;
      if (this.#signing) {
        await this.#signing.catch(() => {}); // the worker that asked for these deals with the fault
        signal.throwIfAborted();
        continue;
      }
      this.#signing = this.#sign(number, signal).finally(() => {
        this.#signing = null;
      });
      await this.#signing;
    }
  }

  /**
   * Forget where a part failed, so that the next try has a new URL.
   *
   * @param {number} number
   * @param {Target | undefined} target
   */
  forget(number, target) {
    if (this.#targets.get(number) === target) this.#targets.delete(number);
  }

  /**
   * Count a refusal by storage, if the URL was not simply too old. Returns whether it counts; raises Final after many.
   *
   * @param {number} number
   * @param {Target | undefined} target
   */
  refuse(number, target) {
    if (!target || !fresh(target)) return false;
    const refusals = (this.#refusals.get(number) ?? 0) + 1;
    this.#refusals.set(number, refusals);
    if (refusals >= REFUSALS) throw new Final({ fault: "refused" });
    return true;
  }

  /** @param {number} number */
  arrived(number) {
    this.#refusals.delete(number);
  }

  /**
   * @param {number} number
   * @param {AbortSignal} signal
   */
  async #sign(number, signal) {
    const at = Date.now();
    const ahead = this.#parts.missing(SIGNED_AHEAD).filter((other) => other !== number && !this.#hasFresh(other));
    const signed = await this.#api.sign(this.#id, [number, ...ahead], signal);
    this.know(signed, at);
    if (!this.#targets.has(number)) throw new Passing("server");
  }

  /** @param {number} number */
  #hasFresh(number) {
    const target = this.#targets.get(number);
    return target !== undefined && fresh(target);
  }
}

/** @param {Target} target */
function fresh(target) {
  return Date.now() - target.at < FRESH;
}
