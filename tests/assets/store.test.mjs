import assert from "node:assert/strict";
import { test } from "node:test";

import { BundleStore, Store } from "../../services/assets/src/store.js";

/** @import { BundleEntry, Entry } from "../../services/assets/src/store.js" */

function memory() {
  /** @type {Map<string, string>} */
  const items = new Map();
  return {
    getItem: (/** @type {string} */ key) => items.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => items.set(key, value),
  };
}

/**
 * @param {string} id
 * @param {Partial<Entry>} [more]
 * @returns {Entry}
 */
const entry = (id, more) => ({ id, kind: "file", identity: "film", size: 3, partSize: 1, stored: 0, ...more });

test("a transfer is found by kind and identity, in its newest state", () => {
  const storage = memory();
  const store = new Store(storage);
  store.keep(entry("a"));
  store.keep(entry("b", { kind: "image" }));
  store.keep(entry("c", { identity: "other" }));
  store.keep(entry("a", { stored: 2 }));
  assert.deepEqual(new Store(storage).find("file", "film"), [entry("a", { stored: 2 })]);
});

test("forgetting a transfer keeps the others", () => {
  const store = new Store(memory());
  store.keep(entry("a"));
  store.keep(entry("b"));
  store.forget("a");
  assert.deepEqual(
    store.all().map(({ id }) => id),
    ["b"],
  );
});

test("a browser that keeps nothing has no transfers and no error", () => {
  const full = {
    getItem: () => "{broken",
    setItem: () => {
      throw new Error("QuotaExceededError");
    },
  };
  for (const storage of [full, undefined]) {
    const store = new Store(storage);
    store.keep(entry("a"));
    store.forget("a");
    assert.deepEqual(store.all(), []);
  }
});

test("bundles are kept apart from transfers", () => {
  const storage = memory();
  const bundles = new BundleStore(storage);
  /** @type {BundleEntry} */
  const bundle = { id: "a", kind: "file", files: [["a.txt", 1, 0]], choices: { mark: "m" } };
  bundles.keep(bundle);
  new Store(storage).keep(entry("a"));
  bundles.keep({ ...bundle, files: [] });
  assert.deepEqual(new BundleStore(storage).all(), [{ ...bundle, files: [] }]);
  bundles.forget("a");
  assert.deepEqual([bundles.all(), new Store(storage).all().length], [[], 1]);
});
