// All parts of one upload on their way into storage, several at a time.

import { LOST, PAUSED, Passing, SLOW } from "./faults.js";
import { NotSent } from "./put.js";
import { Schedule } from "./schedule.js";

/** @import { SignedPart } from "./api.js" */
/** @import { Parts } from "./parts.js" */
/** @import { Pause } from "./pause.js" */
/** @import { Retries } from "./retries.js" */
/** @import { Target } from "./schedule.js" */
/** @import { Services } from "./transfer.js" */

/** @typedef {{ fault: unknown, target: Target | undefined }} Failure `target`: where the part was sent, if it was */

const WORKERS = 4;
// In ms. The server gives an upload up after 15 minutes in which nothing of it arrives.
const SLOW_AFTER = 4 * 60_000;
// In ms. It moves the deadline when it learns that parts have arrived, so we let it look that often.
const LOOK_AFTER = 4 * 60_000;

export class Sending {
  #id;
  #file;
  #parts;
  #services;
  #pause;
  #retries;
  #changed;
  #schedule;
  /** @type {number | undefined} a lane for the first part */
  #lane;
  #lookedAt = Date.now();
  /** The answer of storage to the last part that arrived. */
  #etag = "";
  /** Aborts the parts that travel now, and not those that are sent later. */
  #travel = new AbortController();

  /**
   * @param {object} given
   * @param {string} given.id the upload's
   * @param {Blob} given.file
   * @param {Parts} given.parts
   * @param {Services} given.services
   * @param {Pause} given.pause
   * @param {Retries} given.retries
   * @param {(stored: boolean) => void} given.changed called when bytes moved; `stored` if storage has a part more
   * @param {number} [given.lane] that the first part takes over
   */
  constructor({ id, file, parts, services, pause, retries, changed, lane }) {
    this.#id = id;
    this.#file = file;
    this.#parts = parts;
    this.#services = services;
    this.#pause = pause;
    this.#retries = retries;
    this.#changed = changed;
    this.#lane = lane;
    this.#schedule = new Schedule(services.api, id, parts);
  }

  /**
   * Use these signed URLs: those of the first parts, which came with the begin.
   *
   * @param {SignedPart[]} signed
   */
  know(signed) {
    this.#schedule.know(signed, Date.now());
  }

  /** The ETag of the whole file, if that is a single part; else empty. */
  get etag() {
    return this.#parts.count === 1 ? this.#etag : "";
  }

  /**
   * Send every part that storage does not have. Raises the first fault that is final, which ends the other workers, or
   * the signal's reason.
   *
   * @param {AbortSignal} signal
   */
  async all(signal) {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const worker = async () => {
      try {
        await this.#work(both);
      } catch (error) {
        stop.abort(error);
      }
    };
    const slow = setTimeout(() => this.#slowDown(), SLOW_AFTER);
    await Promise.all(Array.from({ length: WORKERS }, worker));
    clearTimeout(slow);
    this.#leaveLane();
    both.throwIfAborted();
  }

  /**
   * Abort the parts that travel now; they are sent again.
   *
   * @param {DOMException} reason PAUSED, SLOW or LOST
   */
  callBack(reason) {
    this.#leaveLane();
    this.#travel.abort(reason);
    this.#travel = new AbortController();
  }

  /** @param {AbortSignal} signal */
  async #work(signal) {
    for (;;) {
      if (this.#pause.on) this.#leaveLane();
      await this.#pause.wait(signal);
      const number = this.#parts.take();
      if (number === undefined) return;
      const failure = await this.#send(number, signal);
      if (!failure) continue;
      try {
        await this.#recover(failure, number, signal);
      } finally {
        if (!this.#parts.has(number)) this.#parts.lose(number); // now any worker may take it again
      }
    }
  }

  /**
   * Send one part, once. Returns what failed, or null.
   *
   * @param {number} number
   * @param {AbortSignal} signal
   * @returns {Promise<Failure | null>}
   */
  async #send(number, signal) {
    const { lanes, put, network } = this.#services;
    const travel = AbortSignal.any([signal, this.#travel.signal]);
    let era;
    let failed;
    let target;
    try {
      era = this.#lane ?? (await lanes.take(travel));
      this.#lane = undefined;
      target = await this.#schedule.target(number, travel);
      const moved = (/** @type {number} */ bytes) => {
        this.#parts.moved(number, bytes);
        this.#changed(false);
      };
      this.#etag = await put(target, this.#file.slice(...this.#parts.range(number)), { signal: travel, moved });
      failed = false;
      network.prove(target.url);
      this.#arrived(number);
      return null;
    } catch (error) {
      this.#parts.moved(number, 0);
      if (!travel.aborted || travel.reason === LOST) failed = true;
      return { fault: travel.aborted ? travel.reason : error, target };
    } finally {
      if (era !== undefined) lanes.release(era, failed);
      this.#changed(false);
    }
  }

  /** @param {number} number */
  #arrived(number) {
    this.#parts.arrive(number);
    this.#schedule.arrived(number);
    this.#retries.renew();
    this.#changed(true);
    this.#letServerLook();
  }

  /** If nothing has arrived for long, send one part at a time: it arrives sooner than each of several. */
  #slowDown() {
    const { lanes } = this.#services;
    if (this.#parts.stored || this.#parts.count === 1 || this.#pause.on || lanes.limit === 1) return;
    lanes.narrow();
    this.callBack(SLOW);
  }

  /** Let the server see from time to time that parts have arrived. It is no matter if one look fails. */
  #letServerLook() {
    if (Date.now() - this.#lookedAt < LOOK_AFTER) return;
    this.#lookedAt = Date.now();
    this.#services.api.parts(this.#id).catch(() => {});
  }

  /** Give the first part's lane back, if it has not taken it over. */
  #leaveLane() {
    if (this.#lane === undefined) return;
    this.#services.lanes.release(this.#lane);
    this.#lane = undefined;
  }

  /**
   * Return if the part is to be tried again, or is in storage after all. Raises if no other try makes sense.
   *
   * @param {Failure} failure
   * @param {number} number
   * @param {AbortSignal} signal
   */
  async #recover({ fault, target }, number, signal) {
    signal.throwIfAborted();
    if (fault === PAUSED || fault === SLOW) return;
    if (fault instanceof NotSent) {
      this.#schedule.forget(number, target);
      if (fault.status === 403) {
        if (!this.#schedule.refuse(number, target)) return;
      } else if (fault.status === 404 || fault.moved === this.#parts.sizeOf(number)) {
        if (await this.#hasArrived(number, signal)) return;
      }
      await this.#retries.wait(fault, target?.url);
    } else if (fault === LOST || fault instanceof Passing) {
      await this.#retries.wait(fault);
    } else {
      throw fault;
    }
  }

  /**
   * Whether storage has a part although no answer came. Raises Gone if the transfer is not there any more.
   *
   * @param {number} number
   * @param {AbortSignal} signal
   */
  async #hasArrived(number, signal) {
    const listed = await this.#retries.persist(() => this.#services.api.parts(this.#id, signal));
    this.#parts.found(listed);
    if (!this.#parts.has(number)) return false;
    this.#changed(true);
    return true;
  }
}
