// Which transfers are under way. The browser keeps this, so that a reload or a closed tab loses none of them.

const KEY = "mayfly.transfers";

/**
 * A transfer of this browser; `stored` and the sizes are in bytes.
 *
 * @typedef {object} Entry
 * @property {string} id the upload's
 * @property {string} [link] its share page
 * @property {string} kind
 * @property {string} identity of the file, as identity.js makes it
 * @property {number} size
 * @property {number} partSize
 * @property {number} stored
 */

/** A browser that keeps nothing (a private window, a full disk) has no entries, and everything else works. */
export class Store {
  #storage;

  /** @param {Pick<Storage, "getItem" | "setItem"> | undefined} storage */
  constructor(storage = globalThis.localStorage) {
    this.#storage = storage;
  }

  /** @returns {Entry[]} */
  all() {
    try {
      return JSON.parse(this.#storage?.getItem(KEY) ?? "[]");
    } catch {
      return [];
    }
  }

  /**
   * @param {string} kind
   * @param {string} identity
   */
  find(kind, identity) {
    return this.all().filter((entry) => entry.kind === kind && entry.identity === identity);
  }

  /** @param {Entry} entry */
  keep(entry) {
    this.#write([...this.all().filter(({ id }) => id !== entry.id), entry]);
  }

  /** @param {string} id */
  forget(id) {
    this.#write(this.all().filter((entry) => entry.id !== id));
  }

  /** @param {Entry[]} entries */
  #write(entries) {
    try {
      this.#storage?.setItem(KEY, JSON.stringify(entries));
    } catch {
      // Then nothing is kept; the transfer itself continues.
    }
  }
}

/**
 * Claim a transfer for this tab. Resolves with a function that releases it, or null if another tab has it. The browser
 * releases it by itself when the tab ends, however it ends.
 *
 * @param {string} id
 * @param {LockManager | undefined} locks
 * @returns {Promise<(() => void) | null>}
 */
export function claimTransfer(id, locks = navigator.locks) {
  if (!locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    locks.request(`mayfly ${id}`, { ifAvailable: true }, (lock) => {
      if (lock) return new Promise((release) => resolve(() => release(undefined)));
      resolve(null);
      return undefined;
    });
  });
}

/**
 * The ids of all transfers that some tab has claimed.
 *
 * @param {LockManager | undefined} locks
 */
export async function claimedTransfers(locks = navigator.locks) {
  const { held = [] } = (await locks?.query()) ?? {};
  return new Set(held.map(({ name }) => (name ?? "").replace(/^mayfly /, "")));
}
