import assert from "node:assert/strict";
import { test } from "node:test";

import { Estimate } from "../../services/assets/src/estimate.js";

const MB = 1_000_000;

/**
 * An estimate that has noted `speed` bytes a second for so many seconds.
 *
 * @param {number} seconds
 * @param {number} speed
 */
function after(seconds, speed, estimate = new Estimate(), from = 0, sent = 0) {
  for (let second = 0; second <= seconds; second++) estimate.note(sent + second * speed, (from + second) * 1000);
  return estimate;
}

test("the time left is what remains by the speed, from the third second on", () => {
  for (let second = 0; second <= 50; second++) {
    const left = after(second, 6 * MB).secondsFor((50 - second) * 6 * MB);
    assert.equal(left, second < 3 ? undefined : 50 - second);
  }
});

test("the speed follows the last seconds only", () => {
  const estimate = after(30, 6 * MB);
  after(10, 1 * MB, estimate, 30, 180 * MB);
  assert.equal(estimate.speed, 1 * MB);
});

test("seconds before the first byte do not count", () => {
  const estimate = after(20, 0);
  after(2, 6 * MB, estimate, 20);
  assert.equal(estimate.speed, 0);
  estimate.note(18 * MB, 23_000);
  assert.equal(estimate.speed, 6 * MB);
});

test("after a break the estimate begins anew", () => {
  const estimate = after(20, 6 * MB);
  estimate.forget();
  assert.equal(estimate.secondsFor(MB), undefined);
  after(2, 2 * MB, estimate, 600, 120 * MB);
  assert.equal(estimate.secondsFor(MB), undefined);
  estimate.note(126 * MB, 603_000);
  assert.equal(estimate.speed, 2 * MB);
});

test("a line on which nothing moves has no time left", () => {
  const estimate = after(20, 6 * MB);
  after(10, 0, estimate, 20, 120 * MB);
  assert.equal(estimate.secondsFor(MB), undefined);
});
