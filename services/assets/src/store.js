// Which transfers are under way, kept in the browser so that a reload or a closed tab loses none of them.

const KEY = "mayfly.transfers";

/**
 * Entries are `{id, kind, identity, size, partSize, stored}`, one for each transfer of this browser. A browser that
 * keeps nothing (a private window, a full disk) has none, and everything else works.
 */
export class Store {
  #storage;

  constructor(storage = globalThis.localStorage) {
    this.#storage = storage;
  }

  all() {
    try {
      return JSON.parse(this.#storage.getItem(KEY)) ?? [];
    } catch {
      return [];
    }
  }

  find(kind, identity) {
    return this.all().filter((entry) => entry.kind === kind && entry.identity === identity);
  }

  keep(entry) {
    this.#write([...this.all().filter(({ id }) => id !== entry.id), entry]);
  }

  forget(id) {
    this.#write(this.all().filter((entry) => entry.id !== id));
  }

  #write(entries) {
    try {
      this.#storage.setItem(KEY, JSON.stringify(entries));
    } catch {
      // Nothing is kept then; the transfer itself goes on.
    }
  }
}

/**
 * Hold a transfer for this tab. Returns a function that lets go of it, or null where another tab has it.
 *
 * The browser lets go by itself when the tab ends, however it ends.
 */
export function hold(id, locks = navigator.locks) {
  if (!locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    locks.request(`mayfly ${id}`, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null);
      return new Promise((release) => resolve(release));
    });
  });
}

/** The ids that some tab holds. */
export async function held(locks = navigator.locks) {
  const state = await locks?.query();
  return new Set(state?.held.map(({ name }) => name.replace(/^mayfly /, "")));
}
