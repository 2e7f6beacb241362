import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { reader } from "../../services/assets/src/page/reading.js";

/** @import { Part } from "../../services/assets/src/page/reading.js" */

/** A list whose reads end when the test says so. `reads` has the part of each read so far. */
function list() {
  /** @type {Part[]} */
  const reads = [];
  /** @type {((good: boolean) => void)[]} */
  const open = [];
  const reading = reader((part) => {
    reads.push(part);
    return new Promise((resolve) => open.push(resolve));
  });
  const answer = async (good = true) => {
    open.shift()?.(good);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { reads, reading, answer };
}

test("uploads that turn ready during a read are read once more, together", async () => {
  const { reads, reading, answer } = list();
  reading.ask("first");
  reading.ask("first");
  reading.ask("first");
  assert.deepEqual(reads, ["first"]);
  await answer();
  assert.deepEqual(reads, ["first", "first"]);
  await answer();
  assert.equal(reads.length, 2);
  assert.equal(reading.busy(), false);
});

test("a new upload wins over a refresh of the part that is shown", async () => {
  const { reads, reading, answer } = list();
  reading.ask();
  reading.ask("first");
  reading.ask("here");
  await answer();
  assert.deepEqual(reads, ["here", "first"]);
});

test("a failed read is repeated later, and at once if it is asked for", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { reads, reading, answer } = list();
    reading.ask("first");
    await answer(false);
    assert.equal(reads.length, 1);
    mock.timers.tick(2_000);
    assert.deepEqual(reads, ["first", "first"]);
    await answer(false);
    mock.timers.tick(3_999);
    assert.equal(reads.length, 2);
    reading.ask();
    assert.deepEqual(reads, ["first", "first", "first"]);
    await answer();
    mock.timers.tick(600_000);
    assert.equal(reads.length, 3);
  } finally {
    mock.timers.reset();
  }
});
