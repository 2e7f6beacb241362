// The five calls of the JSON API that a transfer needs, and what their answers mean for it.

import { Final, Gone, Missing, Passing } from "./faults.js";

const PATIENCE = 35_000; // the router gives up after 30 s

/** The API at `url`, with the page's CSRF token; the box comes by cookie. */
export class Api {
  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  /** Raises Passing, or Final where the server refuses. */
  begin(upload, signal) {
    return this.#call("POST", "", { body: upload, signal });
  }

  /** Signed URLs: [{number, size, url, headers}]. Raises Passing, Gone, Final. */
  async sign(id, numbers, signal) {
    return (await this.#call("POST", `/${id}/parts`, { body: { numbers }, signal })).parts;
  }

  /** What storage has: [{number, size}]. Raises Passing, Gone, Final. */
  async parts(id, signal) {
    return (await this.#call("GET", `/${id}/parts`, { signal })).parts;
  }

  /** The ready upload. Raises Passing, Missing, Gone, Final. */
  complete(id, signal) {
    return this.#call("POST", `/${id}/complete`, { signal });
  }

  /** Also while the page is being left. Raises as the others do. */
  remove(id) {
    return this.#call("DELETE", `/${id}`, { keepalive: true });
  }

  async #call(method, path, { body, signal, keepalive } = {}) {
    const headers = { Accept: "application/json", "X-CSRFToken": this.token };
    if (body) headers["Content-Type"] = "application/json";
    const late = AbortSignal.timeout(PATIENCE);
    let response;
    let answer;
    try {
      response = await fetch(this.url + path, {
        method,
        headers,
        keepalive,
        body: body && JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
      answer = response.status === 204 ? null : await response.json();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      // An answer that is no JSON comes from something between us and the app.
      if (response && response.status < 500) throw new Final({ word: "status", values: { status: response.status } });
      throw new Passing(response ? "server" : "connection");
    }
    if (response.ok) return answer;
    throw meaning(response, answer.error ?? {});
  }
}

function meaning(response, { message, missing }) {
  const { status } = response;
  if (status === 404 || status === 410) return new Gone(message);
  if (status === 409 && missing) return new Missing(missing);
  if (status === 408 || status === 429 || status >= 500) {
    return new Passing("server", { retryAfter: seconds(response.headers.get("Retry-After")), message });
  }
  if (status === 403 || status === 401) return new Final({ word: "stale" });
  return new Final({ message });
}

/** In milliseconds; a minute at most, since who asks for longer may be asked again. */
function seconds(value) {
  return /^\d+$/.test(value ?? "") ? Math.min(Number(value), 60) * 1000 : undefined;
}
