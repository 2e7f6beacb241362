import assert from "node:assert/strict";
import { test } from "node:test";

import { Speed } from "../../services/assets/src/speed.js";

test("speed counts the last seconds only", () => {
  const speed = new Speed();
  for (let second = 0; second <= 60; second++)
    speed.note(second < 30 ? second * 1000 : 30_000 + (second - 30) * 10, second * 1000);
  assert.equal(speed.value, 10);
});

test("a lost part makes no speed negative", () => {
  const speed = new Speed();
  speed.note(5000, 0);
  speed.note(1000, 1000);
  assert.equal(speed.value, 0);
  speed.note(3000, 2000);
  assert.equal(speed.value, 2000);
});
