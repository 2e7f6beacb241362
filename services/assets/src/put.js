// Sends one part to storage. XMLHttpRequest, because fetch does not show how much it has sent.

// In ms. No byte for so long means that the connection is dead, although nothing says so.
const LONGEST_SILENCE = 30_000;
// Once everything is handed over, megabytes may still wait in the system's own buffers, which a page cannot see. A slow
// line needs this long for them.
const LONGEST_ANSWER = 180_000;

/** A part that did not arrive. */
export class NotSent extends Error {
  /**
   * @param {object} given
   * @param {number} [given.status] 0 if there was no answer that the page may read
   * @param {number} [given.moved] bytes that were handed over
   * @param {boolean} [given.stalled]
   */
  constructor({ status = 0, moved = 0, stalled = false }) {
    super(stalled ? "stalled" : `status ${status}`);
    this.status = status;
    this.moved = moved;
    this.stalled = stalled;
  }
}

/**
 * PUT `body` to `url`. Resolves with the answer's ETag, which is empty if the bucket does not show it to pages: the
 * server can do without. Rejects with NotSent, or with the signal's reason.
 *
 * @param {{ url: string, headers: Record<string, string> }} target
 * @param {Blob} body
 * @param {{ signal: AbortSignal, moved: (bytes: number) => void }} options
 * @returns {Promise<string>}
 */
export function put({ url, headers }, body, { signal, moved }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    let bytes = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const settle = (/** @type {unknown} */ fault) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      if (fault) reject(fault);
      else resolve(etagOf(request));
    };
    const abort = () => {
      settle(signal.reason);
      request.abort();
    };
    const expectSoon = (/** @type {number} */ longest) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        settle(new NotSent({ moved: bytes, stalled: true }));
        request.abort();
      }, longest);
    };
    signal.addEventListener("abort", abort);
    request.upload.onprogress = ({ loaded }) => {
      bytes = loaded;
      moved(loaded);
      expectSoon(loaded < body.size ? LONGEST_SILENCE : LONGEST_ANSWER);
    };
    request.onload = () => {
      const { status } = request;
      settle(status >= 200 && status < 300 ? null : new NotSent({ status, moved: bytes }));
    };
    request.onerror = () => settle(new NotSent({ moved: bytes }));
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    expectSoon(LONGEST_SILENCE);
    request.send(body);
    return undefined;
  });
}

/**
 * From all headers, because a browser complains in the console if a page asks for one that it may not see.
 *
 * @param {XMLHttpRequest} request
 */
function etagOf(request) {
  return /^etag: *(.*?) *$/im.exec(request.getAllResponseHeaders())?.[1] ?? "";
}
