// The state of the connection, as far as a page can know it.

/** @import { Cause } from "./sentences.js" */

const LONGEST_PROBE = 8_000; // ms

export class Network {
  #live;
  /** @type {Set<string>} origins that the page's own security policy blocks */
  #forbidden = new Set();
  /** @type {Set<string>} origins that have taken a part */
  #proved = new Set();

  /** @param {string} live an address of the app that answers whenever the app runs */
  constructor(live) {
    this.#live = live;
    // The policy stops a request as silently as a lost connection does; only this event shows the difference.
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
      if (effectiveDirective === "connect-src") this.#forbidden.add(originOf(blockedURI));
    });
  }

  get online() {
    return navigator.onLine;
  }

  /**
   * Call one of the two whenever the browser notices that its connection is lost or back.
   *
   * @param {{ lost: () => void, back: () => void }} handlers
   */
  watch({ lost, back }) {
    addEventListener("offline", lost);
    addEventListener("online", back);
  }

  /**
   * A part arrived there, so nothing bars this page from sending there.
   *
   * @param {string} url
   */
  prove(url) {
    this.#proved.add(originOf(url));
  }

  /**
   * Why a request to `url` may have failed without an answer: "connection", "storage" if only its host is away, or
   * "barred" if both answer and the page does not seem to be let in.
   *
   * To a page, a fault of CORS looks just like a lost connection. A request that asks for no permission shows which.
   *
   * @param {string} url
   * @returns {Promise<Extract<Cause, "connection" | "storage"> | "barred">}
   */
  async reason(url) {
    const origin = originOf(url);
    if (origin === location.origin || this.#proved.has(origin)) return "connection";
    if (!(await isReachable(this.#live, "cors"))) return "connection";
    if (await isReachable(origin, "no-cors")) return "barred";
    return this.#forbidden.has(origin) ? "barred" : "storage";
  }
}

/** @param {string} url */
function originOf(url) {
  return new URL(url, location.href).origin;
}

/**
 * @param {string} url
 * @param {RequestMode} mode
 */
async function isReachable(url, mode) {
  try {
    await fetch(url, { mode, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(LONGEST_PROBE) });
    return true;
  } catch {
    return false;
  }
}
