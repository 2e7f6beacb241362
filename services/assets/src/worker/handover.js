// Files on their way from a phone's share menu to a page. They are in no cache and in no database, only in the hand of
// this worker, so nothing of them outlives it.

// In ms. Browsers end a worker that takes longer; a page that has not loaded by then has failed.
const PATIENCE = 5 * 60_000;

/** @typedef {{ files: File[], end: () => void }} Share */

export class Handover {
  /** @type {Set<Share>} */
  #shares = new Set();
  #patience;

  /** @param {number} [patience] in ms */
  constructor(patience = PATIENCE) {
    this.#patience = patience;
  }

  /**
   * Keep files until a page takes them, or until time is up. The promise lasts as long, so that the worker does too.
   *
   * @param {File[]} files
   * @returns {Promise<void>}
   */
  async keep(files) {
    /** @type {Share} */
    const share = { files, end: () => {} };
    this.#shares.add(share);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    await new Promise((resolve) => {
      share.end = () => resolve(undefined);
      timer = setTimeout(share.end, this.#patience);
    });
    clearTimeout(timer);
    this.#shares.delete(share);
  }

  /**
   * All files that wait, which are kept no longer.
   *
   * @returns {File[]}
   */
  give() {
    const shares = [...this.#shares];
    this.#shares.clear();
    for (const share of shares) share.end();
    return shares.flatMap(({ files }) => files);
  }
}
