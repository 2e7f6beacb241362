import assert from "node:assert/strict";
import { test } from "node:test";

import { delay, Patience } from "../../services/assets/src/backoff.js";

test("waits double up to half a minute, and half of each is random", () => {
  const longest = () => 1;
  const shortest = () => 0;
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 50].map((failures) => delay(failures, longest)),
    [1000, 2000, 4000, 8000, 16000, 30000, 30000],
  );
  assert.deepEqual(
    [1, 2, 6].map((failures) => delay(failures, shortest)),
    [500, 1000, 15000],
  );
  assert.notEqual(delay(6), delay(6));
});

test("patience lasts for at least ten minutes, and ends", () => {
  const patience = new Patience();
  let waited = 0;
  for (let wait = patience.next(); wait !== null; wait = patience.next()) waited += wait;
  assert.ok(waited >= 10 * 60_000, `${waited}`);
  assert.ok(waited <= 20 * 60_000, `${waited}`);
});

test("a success restores all patience", () => {
  const patience = new Patience();
  while (patience.next() !== null);
  patience.renew();
  assert.ok(Number(patience.next()) <= 1000);
});

test("being offline costs no patience", () => {
  const patience = new Patience();
  for (let hours = 0; hours < 1000; hours++) assert.notEqual(patience.next({ free: true }), null);
});
