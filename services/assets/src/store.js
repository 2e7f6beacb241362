// Which transfers are under way. The browser keeps this, so that a reload or a closed tab loses none of them.

/** @import { Kept } from "./choices.js" */

const TRANSFERS = "mayfly.transfers";
const BUNDLES = "mayfly.bundles";

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
 * @property {string} [bundle] the id of the one that it belongs to
 * @property {Kept} [choices]
 */

/**
 * A bundle of this browser that is not complete, with the name, size and time of change of each file that belongs to it,
 * and the id of its upload once that has arrived: the server may change an image's size.
 *
 * @typedef {object} BundleEntry
 * @property {string} id
 * @property {string} [link]
 * @property {"image" | "file"} kind
 * @property {[string, number, number, string?][]} files
 * @property {Kept} choices
 */

/**
 * Entries by their id. A browser that keeps nothing (a private window, a full disk) has none, and everything else works.
 *
 * @template {{ id: string }} E
 */
class Entries {
  #key;
  #storage;

  /**
   * @param {string} key
   * @param {Pick<Storage, "getItem" | "setItem"> | undefined} storage
   */
  constructor(key, storage) {
    this.#key = key;
    this.#storage = storage;
  }

  /** @returns {E[]} */
  all() {
    try {
      return JSON.parse(this.#storage?.getItem(this.#key) ?? "[]");
    } catch {
      return [];
    }
  }

  /** @param {E} entry */
  keep(entry) {
    this.#write([...this.all().filter(({ id }) => id !== entry.id), entry]);
  }

  /** @param {string} id */
  forget(id) {
    this.#write(this.all().filter((entry) => entry.id !== id));
  }

  /** @param {E[]} entries */
  #write(entries) {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(entries));
    } catch {
      // Then nothing is kept; the transfer itself continues.
    }
  }
}

/** @extends {Entries<Entry>} */
export class Store extends Entries {
  /** @param {Pick<Storage, "getItem" | "setItem"> | undefined} storage */
  constructor(storage = globalThis.localStorage) {
    super(TRANSFERS, storage);
  }

  /**
   * @param {string} kind
   * @param {string} identity
   */
  find(kind, identity) {
    return this.all().filter((entry) => entry.kind === kind && entry.identity === identity);
  }
}

/** @extends {Entries<BundleEntry>} */
export class BundleStore extends Entries {
  /** @param {Pick<Storage, "getItem" | "setItem"> | undefined} storage */
  constructor(storage = globalThis.localStorage) {
    super(BUNDLES, storage);
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
