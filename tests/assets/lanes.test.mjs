import assert from "node:assert/strict";
import { test } from "node:test";

import { Lanes } from "../../services/assets/src/lanes.js";

const later = () => new Promise((resolve) => setImmediate(resolve));

test("four parts travel at a time, and the fifth waits", async () => {
  const lanes = new Lanes();
  const eras = await Promise.all([1, 2, 3, 4].map(() => lanes.take()));
  let fifth = false;
  lanes.take().then(() => (fifth = true));
  await later();
  assert.equal(fifth, false);
  lanes.release(eras[0], false);
  await later();
  assert.equal(fifth, true);
});

test("a lost connection halves the lanes once, although four parts fail", async () => {
  const lanes = new Lanes();
  const eras = await Promise.all([1, 2, 3, 4].map(() => lanes.take()));
  for (const era of eras) lanes.release(era, true);
  assert.equal(lanes.limit, 2);
});

test("each further failure halves the lanes again, down to one", async () => {
  const lanes = new Lanes();
  const limits = [];
  for (let failure = 0; failure < 4; failure++) {
    lanes.release(await lanes.take(), true);
    limits.push(lanes.limit);
  }
  assert.deepEqual(limits, [2, 1, 1, 1]);
});

test("lanes grow back slowly, up to four", async () => {
  const lanes = new Lanes();
  for (let failure = 0; failure < 2; failure++) lanes.release(await lanes.take(), true);
  const limits = [];
  for (let part = 0; part < 40; part++) {
    lanes.release(await lanes.take(), false);
    limits.push(lanes.limit);
  }
  assert.deepEqual([limits[0], limits[1], limits[4], limits[5], limits[10], limits[11]], [1, 2, 2, 3, 3, 4]);
  assert.equal(limits.at(-1), 4);
});

test("a part that is called back changes no limit", async () => {
  const lanes = new Lanes();
  lanes.release(await lanes.take(), undefined);
  assert.equal(lanes.limit, 4);
});

test("a part that gives up waiting leaves its place to the next", async () => {
  const lanes = new Lanes();
  const eras = await Promise.all([1, 2, 3, 4].map(() => lanes.take()));
  const impatient = new AbortController();
  const gaveUp = lanes.take(impatient.signal);
  const patient = lanes.take();
  impatient.abort(new Error("enough"));
  await assert.rejects(gaveUp, /enough/);
  lanes.release(eras[0], false);
  await patient;
  await assert.rejects(lanes.take(impatient.signal), /enough/);
});

test("a slow line has one lane, until parts arrive again", async () => {
  const lanes = new Lanes();
  const eras = await Promise.all([1, 2, 3, 4].map(() => lanes.take()));
  lanes.narrow();
  assert.equal(lanes.limit, 1);
  for (const era of eras) lanes.release(era, undefined);
  lanes.release(await lanes.take(), false);
  lanes.release(await lanes.take(), false);
  assert.equal(lanes.limit, 2);
});
