import assert from "node:assert/strict";
import { test } from "node:test";

import { Handover } from "../../services/assets/src/worker/handover.js";

const file = (/** @type {string} */ name) => new File(["x"], name);

test("a page gets all files that wait, once", async () => {
  const handover = new Handover();
  const first = handover.keep([file("a"), file("b")]);
  const second = handover.keep([file("c")]);
  assert.deepEqual(
    handover.give().map(({ name }) => name),
    ["a", "b", "c"],
  );
  assert.deepEqual(handover.give(), []);
  await Promise.all([first, second]); // nothing keeps the worker alive any more
});

test("files that no page takes are kept no longer than a while", async () => {
  const handover = new Handover(1);
  await handover.keep([file("a")]);
  assert.deepEqual(handover.give(), []);
});
