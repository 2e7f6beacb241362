// The calls of the JSON API that a transfer needs, and what their answers mean for it. Those of uploads and of bundles differ
// in their address.

import { Final, Gone, Missing, Passing } from "./faults.js";

/** @import { Choices } from "./choices.js" */
/** @import { Cause } from "./sentences.js" */

/**
 * Errors that pass, by their code, for which the page has its own words: the server's ask the visitor to try again,
 * and the page does that.
 *
 * @type {Record<string, Cause>}
 */
const PASSING = {
  broken: "server",
  busy: "busy",
  database: "server",
  site_full: "full",
  storage: "storage",
  too_many: "many",
  underway: "busy",
};
const LONGEST_ANSWER = 35_000; // ms; the router gives up after 30 s

/** @typedef {{ id: string, state: string, name: string, title: string, link: string, transfer: { part_size: number, first?: SignedPart[] } }} Upload what we use of it */
/** @typedef {{ title?: string, lifetime?: number }} Changes a lifetime in seconds */
/** @typedef {Changes & Choices & { kind?: string, name?: string, size?: number, type?: string, bundle?: string }} Wish */
/** @typedef {{ number: number, url: string, headers: Record<string, string> }} SignedPart */
/** @typedef {{ number: number, size: number }} StoredPart */
/** @typedef {Upload & { bundle?: string | null }} Listed the id of its bundle, if it belongs to one */
/** @typedef {{ id: string, state: string, name: string, size: number }} Content one upload of a bundle */

export class Api {
  #url;
  #token;

  /**
   * @param {string} url of the uploads
   * @param {string} token the page's for CSRF; the box comes by cookie
   */
  constructor(url, token) {
    this.#url = url;
    this.#token = token;
  }

  /**
   * The same key with the same wish gives the same upload again, so a call whose answer was lost may be repeated.
   * Raises Passing, Gone if that upload has ended, or Final if the server refuses.
   *
   * @param {Wish} wish
   * @param {string} key
   * @returns {Promise<Upload>}
   */
  begin(wish, key) {
    return this.#call("POST", "", { body: wish, key });
  }

  /**
   * Raises Passing, Gone, Final.
   *
   * @param {string} id a bundle's
   * @returns {Promise<{ state: string, uploads: Content[] }>}
   */
  read(id) {
    return this.#call("GET", `/${id}`, {});
  }

  /**
   * Raises Passing, Gone, Final.
   *
   * @param {string} id
   * @param {number[]} numbers
   * @param {AbortSignal} [signal]
   * @returns {Promise<SignedPart[]>}
   */
  async sign(id, numbers, signal) {
    return (await this.#call("POST", `/${id}/parts`, { body: { numbers }, signal })).parts;
  }

  /**
   * List the parts that storage has. Raises Passing, Gone, Final.
   *
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @returns {Promise<StoredPart[]>}
   */
  async parts(id, signal) {
    return (await this.#call("GET", `/${id}/parts`, { signal })).parts;
  }

  /**
   * Resolves with the ready upload. Raises Passing, Missing, Gone, Final.
   *
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @param {string} [etag] of an only part; with it, the server does not ask storage for a list
   * @returns {Promise<Upload>}
   */
  complete(id, signal, etag) {
    return this.#call("POST", `/${id}/complete`, { body: etag ? { etag } : undefined, signal });
  }

  /**
   * Change the title or the lifetime of an upload, pending or ready. Raises Passing, Gone, Final.
   *
   * @param {string} id
   * @param {Changes} changes
   * @returns {Promise<Upload>}
   */
  change(id, changes) {
    return this.#call("PATCH", `/${id}`, { body: changes });
  }

  /**
   * The box's newest uploads of a kind, the newest first. Raises Passing, Final.
   *
   * @param {string} kind
   * @param {number} limit
   * @param {AbortSignal} [signal]
   * @returns {Promise<Listed[]>}
   */
  async list(kind, limit, signal) {
    return (await this.#call("GET", `?kind=${kind}&limit=${limit}`, { signal })).uploads;
  }

  /**
   * Works even while the visitor leaves the page. Raises as the others do.
   *
   * @param {string} id
   */
  remove(id) {
    return this.#call("DELETE", `/${id}`, { keepalive: true });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: object, key?: string, signal?: AbortSignal, keepalive?: boolean }} options
   */
  async #call(method, path, { body, key, signal, keepalive }) {
    const late = AbortSignal.timeout(LONGEST_ANSWER);
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", "X-CSRFToken": this.#token };
    if (body) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    let response;
    let answer;
    try {
      response = await fetch(this.#url + path, {
        method,
        headers,
        keepalive,
        body: body && JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
      answer = response.status === 204 ? null : await response.json();
    } catch {
      if (signal?.aborted) throw signal.reason;
      if (!response) throw new Passing("connection");
      if (response.status >= 500) throw new Passing("server");
      // An answer that is not JSON comes from something between us and the app.
      throw new Final({ fault: "status", values: { status: response.status } });
    }
    if (response.ok) return answer;
    throw meaning(response, answer.error ?? {});
  }
}

/** 128 random bits, by which a call is known again. `crypto.randomUUID` is not there on plain HTTP. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Response} response
 * @param {{ code?: string, message?: string, missing?: number[] }} error
 */
function meaning(response, { code = "", message, missing }) {
  const { status } = response;
  if (status === 404 || status === 410) return new Gone(message);
  if (code === "bundle_closed") return new Final({ fault: "unbundled" });
  if (status === 409 && missing) return new Missing(missing);
  if (status === 408 || code === "underway" || status === 429 || status >= 500) {
    const why = PASSING[code];
    return new Passing(why ?? "server", { retryAfter: retryAfter(response), message: why ? undefined : message });
  }
  // Neither a reload nor a cookie helps there, and the server says what does.
  if (code === "wrong_origin") return new Final({ message });
  if (status === 403 || status === 401) return new Final({ fault: "stale" });
  return new Final({ message });
}

/**
 * In ms, a minute at most: a server that wants us to wait longer may be asked twice.
 *
 * @param {Response} response
 */
function retryAfter(response) {
  const value = response.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(value) ? Math.min(Number(value), 60) * 1000 : undefined;
}
