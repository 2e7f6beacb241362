// One part on its way into storage. XMLHttpRequest, because fetch does not tell how much it has sent.

// No byte for so long means that the connection is dead, though nobody has said so.
const STALL = 30_000;
// Once all is handed over, megabytes may still wait in the system's own buffers, of which a page sees nothing. A slow
// line needs this long for them.
const ANSWER = 180_000;

/** A part that did not arrive. `status` is 0 where there was no answer that the page may read; `moved` are bytes. */
export class NotSent extends Error {
  constructor({ status = 0, moved = 0, stalled = false }) {
    super(stalled ? "stalled" : `status ${status}`);
    this.status = status;
    this.moved = moved;
    this.stalled = stalled;
  }
}

/**
 * PUT `body` to `url`. Resolves on success; rejects with NotSent, or with the signal's reason.
 *
 * The answer's ETag is not looked at: the server lists the parts in storage by itself before it completes an upload.
 * A bucket that does not expose it therefore changes nothing, and nothing waits for it at 100 %.
 */
export function put({ url, headers }, body, { signal, moved }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let bytes = 0;
    let timer;
    const end = (settle, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      settle(value);
    };
    const abort = () => {
      end(reject, signal.reason);
      request.abort();
    };
    const watch = (patience) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        end(reject, new NotSent({ moved: bytes, stalled: true }));
        request.abort();
      }, patience);
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", abort);
    request.upload.onprogress = ({ loaded }) => {
      bytes = loaded;
      moved(loaded);
      watch(loaded < body.size ? STALL : ANSWER);
    };
    request.onload = () => {
      const { status } = request;
      if (status >= 200 && status < 300) end(resolve);
      else end(reject, new NotSent({ status, moved: bytes }));
    };
    request.onerror = () => end(reject, new NotSent({ moved: bytes }));
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    watch(STALL);
    request.send(body);
  });
}
