// How one transfer goes on after a fault: find the cause, wait, try again; or give up, in words.

import { Patience } from "./backoff.js";
import { Final, LOST, Passing } from "./faults.js";
import { NotSent } from "./put.js";

/** @import { Network } from "./network.js" */
/** @import { Pause } from "./pause.js" */
/** @import { Cause } from "./sentences.js" */
/** @import { State } from "./status.js" */

// So many tries in a row must look as if CORS blocks this page before the page says so.
const SUSPICIONS = 3;

export class Retries {
  #file;
  #network;
  #pause;
  #report;
  #signal;
  #patience = new Patience();
  #suspicions = 0;
  /** @type {Promise<void> | null} */
  #waiting = null;
  #wake = () => {};

  /**
   * @param {object} given
   * @param {Blob} given.file
   * @param {Pick<Network, "online" | "reason">} given.network
   * @param {Pause} given.pause nothing is reported while it lasts
   * @param {(state: State) => void} given.report
   * @param {AbortSignal} given.signal ends all waiting
   */
  constructor({ file, network, pause, report, signal }) {
    this.#file = file;
    this.#network = network;
    this.#pause = pause;
    this.#report = report;
    this.#signal = signal;
  }

  /** Something succeeded: from here on, faults count from zero. */
  renew() {
    this.#patience.renew();
    this.#suspicions = 0;
  }

  /** End the present wait, if there is one. */
  wake() {
    this.#wake();
  }

  /**
   * Repeat a call to the API until it is answered. Raises Final, or what the call raises other than Passing.
   *
   * @template T
   * @param {() => Promise<T>} call
   * @returns {Promise<T>}
   */
  async persist(call) {
    for (;;) {
      await this.#pause.wait(this.#signal);
      try {
        return await call();
      } catch (error) {
        this.#signal.throwIfAborted();
        if (!(error instanceof Passing)) throw error;
        await this.wait(error);
      }
    }
  }

  /**
   * Back off. Faults that come together wait together, and count as one. Raises Final if no other try makes sense.
   *
   * @param {unknown} fault Passing, NotSent or LOST
   * @param {string} [url] where it happened
   */
  wait(fault, url) {
    this.#waiting ??= this.#backOff(fault, url).finally(() => {
      this.#waiting = null;
    });
    return this.#waiting;
  }

  /**
   * @param {unknown} fault
   * @param {string} [url]
   */
  async #backOff(fault, url) {
    const why = await this.#cause(fault, url);
    const delay = this.#patience.next({ free: why === "offline" });
    if (delay === null) throw new Final({ fault: "gaveUp", values: { why } });
    const { retryAfter = 0, message } = fault instanceof Passing ? fault.details : {};
    const wait = Math.max(delay, retryAfter);
    if (!this.#pause.on) this.#report({ state: "waiting", why, until: Date.now() + wait, message });
    await this.#sleep(wait);
    if (!this.#pause.on) this.#report({ state: "sending" });
  }

  /** @param {number} time in ms */
  async #sleep(time) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
      this.#signal.addEventListener("abort", this.#wake, { once: true });
    });
    this.#signal.removeEventListener("abort", this.#wake);
    this.#signal.throwIfAborted();
  }

  /**
   * The likely cause of a fault. Raises Final if no other try can help.
   *
   * @param {unknown} fault
   * @param {string} [url]
   * @returns {Promise<Cause>}
   */
  async #cause(fault, url) {
    if (!this.#network.online) return "offline";
    if (fault instanceof Passing) return fault.why;
    if (fault === LOST) return "connection";
    if (fault instanceof NotSent && fault.stalled) return "stalled";
    if (fault instanceof NotSent && fault.status) return "storage";
    try {
      await this.#file.slice(0, 1).arrayBuffer();
    } catch {
      throw new Final({ fault: "unreadable" }); // browsers do not say why they send nothing
    }
    if (!url) return "connection";
    const reason = await this.#network.reason(url);
    if (reason !== "barred") return reason;
    this.#suspicions++;
    if (this.#suspicions >= SUSPICIONS) throw new Final({ fault: "barred", values: { origin: new URL(url).origin } });
    return "storage";
  }
}
