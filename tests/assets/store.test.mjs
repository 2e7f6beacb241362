import assert from "node:assert/strict";
import { test } from "node:test";

import { Store } from "../../services/assets/src/store.js";

function memory() {
  const items = new Map();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, String(value)) };
}

const entry = (id, more) => ({ id, kind: "file", identity: "film", size: 3, partSize: 1, stored: 0, ...more });

test("a transfer is found again by kind and identity, with its newest state", () => {
  const storage = memory();
  const store = new Store(storage);
  store.keep(entry("a"));
  store.keep(entry("b", { kind: "image" }));
  store.keep(entry("c", { identity: "other" }));
  store.keep(entry("a", { stored: 2 }));
  assert.deepEqual(new Store(storage).find("file", "film"), [entry("a", { stored: 2 })]);
});

test("a transfer that is forgotten leaves the others", () => {
  const store = new Store(memory());
  store.keep(entry("a"));
  store.keep(entry("b"));
  store.forget("a");
  assert.deepEqual(
    store.all().map(({ id }) => id),
    ["b"],
  );
});

test("a browser that keeps nothing, or something broken, has no transfers and no error", () => {
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
