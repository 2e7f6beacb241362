// What can be known about the connection.

const PROBE = 8_000;

export class Network {
  #forbidden = new Set();
  #proved = new Set();

  /** `live`: an address of the app that answers whenever the app is there. */
  constructor(live) {
    this.live = live;
    // A page's own security policy stops a request as silently as a lost connection does; only this event tells.
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
      if (effectiveDirective === "connect-src") this.#forbidden.add(originOf(blockedURI));
    });
  }

  get online() {
    return navigator.onLine;
  }

  /** Call one of these two whenever the browser notices that its connection went or came. */
  watch({ lost, back }) {
    addEventListener("offline", lost);
    addEventListener("online", back);
  }

  /** A part arrived there: whatever fails later, it is not that pages may not send. */
  prove(url) {
    this.#proved.add(originOf(url));
  }

  /**
   * Why a request to `url` may have failed without an answer: "connection", "storage" where only its host is away, or
   * "barred" where both answer and the page seems not to be let in.
   *
   * A fault of CORS looks to a page just like a lost connection. A request that asks for no permission tells them
   * apart.
   */
  async reason(url) {
    const origin = originOf(url);
    if (origin === location.origin || this.#proved.has(origin)) return "connection";
    if (!(await answers(this.live, {}))) return "connection";
    if (await answers(origin, { mode: "no-cors" })) return "barred";
    return this.#forbidden.has(origin) ? "barred" : "storage";
  }
}

function originOf(url) {
  return new URL(url, location.href).origin;
}

async function answers(url, options) {
  try {
    await fetch(url, {
      ...options,
      method: "GET",
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(PROBE),
    });
    return true;
  } catch {
    return false;
  }
}
