import assert from "node:assert/strict";
import { test } from "node:test";

import { newest } from "../../services/assets/src/newest.js";

test("of more images than fit, those chosen last are sent, and all that are here will be deleted", () => {
  assert.deepEqual(newest(3, { here: ["a", "b", "c"], underway: [], chosen: ["d", "e", "f", "g"] }), {
    sent: ["e", "f", "g"],
    left: ["d"],
    stopped: [],
    deleted: ["a", "b", "c"],
  });
});

test("only as many of the oldest images are deleted as need to be", () => {
  const { deleted, sent } = newest(3, { here: ["a", "b"], underway: [], chosen: ["c", "d"] });
  assert.deepEqual([deleted, sent], [["a"], ["c", "d"]]);
  assert.deepEqual(newest(3, { here: ["a"], underway: ["b"], chosen: ["c"] }).deleted, []);
});

test("images under way count as newer than those that are here", () => {
  assert.deepEqual(newest(3, { here: ["a", "b", "c"], underway: ["d", "e"], chosen: ["f", "g"] }), {
    sent: ["f", "g"],
    left: [],
    stopped: ["d"],
    deleted: ["a", "b", "c"],
  });
});

test("without a limit all are sent, and none is deleted", () => {
  const images = { here: ["a"], underway: ["b"], chosen: ["c", "d"] };
  assert.deepEqual(newest(0, images), { sent: ["c", "d"], left: [], stopped: [], deleted: [] });
});
