import assert from "node:assert/strict";
import { test } from "node:test";

import { Parts } from "../../services/assets/src/parts.js";

test("a file is cut into equal parts, of which the last may be shorter", () => {
  const parts = new Parts(25, 10);
  assert.equal(parts.count, 3);
  assert.deepEqual(
    [1, 2, 3].map((number) => parts.range(number)),
    [
      [0, 10],
      [10, 20],
      [20, 25],
    ],
  );
  assert.deepEqual(new Parts(20, 10).range(2), [10, 20]);
  assert.equal(new Parts(20, 10).count, 2);
});

test("each part is taken once, until it is lost", () => {
  const parts = new Parts(25, 10);
  assert.deepEqual([parts.take(), parts.take(), parts.take(), parts.take()], [1, 2, 3, undefined]);
  parts.arrive(1);
  parts.lose(2);
  assert.deepEqual([parts.take(), parts.take()], [2, undefined]);
});

test("progress counts stored and travelling bytes, without lost parts", () => {
  const parts = new Parts(25, 10);
  parts.take();
  parts.take();
  parts.moved(1, 4);
  parts.moved(2, 99); // counts as the part's size
  assert.deepEqual([parts.bytes, parts.stored], [14, 0]);
  parts.arrive(1);
  parts.lose(2);
  parts.moved(2, 5); // a report that comes too late
  assert.deepEqual([parts.bytes, parts.stored], [10, 10]);
});

test("parts that storage has in another size are sent again", () => {
  const parts = new Parts(25, 10);
  parts.found([
    { number: 1, size: 10 },
    { number: 2, size: 7 },
    { number: 3, size: 5 },
    { number: 4, size: 10 },
  ]);
  assert.deepEqual(parts.missing(9), [2]);
  assert.equal(parts.stored, 15);
});

test("what was sent counts lost parts, and nothing that storage had already", () => {
  const parts = new Parts(25, 10);
  parts.found([{ number: 3, size: 5 }]);
  assert.equal(parts.sent, 0);
  parts.take();
  parts.moved(1, 4);
  parts.lose(1);
  assert.equal(parts.sent, 4);
  parts.take();
  parts.moved(1, 7);
  parts.moved(1, 0);
  parts.found([{ number: 1, size: 10 }]);
  assert.equal(parts.sent, 11);
  parts.take();
  parts.arrive(2);
  assert.deepEqual([parts.sent, parts.bytes], [21, 25]);
});
