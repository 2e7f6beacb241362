import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Api } from "../../services/assets/src/api.js";
import { Final, Passing } from "../../services/assets/src/faults.js";
import { causes } from "../../services/assets/src/sentences.js";

/**
 * The fault that a call ends with if the server answers like this.
 *
 * @param {number} status
 * @param {object} error
 * @param {Record<string, string>} [headers]
 */
async function fault(status, error, headers = {}) {
  const fetch = mock.method(globalThis, "fetch", async () => Response.json({ error }, { status, headers }));
  try {
    await new Api("/api/uploads", "token").complete("id");
  } catch (fault) {
    return fault;
  } finally {
    fetch.mock.restore();
  }
  return undefined;
}

test("a fault that passes is told in the page's words, which ask for nothing", async () => {
  const message = "Storage does not answer. Try again in a minute.";
  for (const [status, code, why] of /** @type {const} */ ([
    [503, "storage", "storage"],
    [500, "broken", "server"],
    [503, "database", "server"],
    [503, "busy", "busy"],
    [503, "site_full", "full"],
    [429, "too_many", "many"],
  ])) {
    const found = await fault(status, { code, message }, { "Retry-After": "5" });
    assert.ok(found instanceof Passing);
    assert.deepEqual([found.why, found.details], [why, { retryAfter: 5000, message: undefined }]);
  }
});

test("a begin beside its first call passes, and its key travels in a header", async () => {
  const answer = { error: { code: "underway", message: "The first call is still at work." } };
  /** @type {any} */
  let sent;
  const fetch = mock.method(globalThis, "fetch", async (/** @type {string} */ _, /** @type {RequestInit} */ init) => {
    sent = init.headers;
    return Response.json(answer, { status: 409 });
  });
  const begun = new Api("/api/uploads", "token").begin({ kind: "file", name: "a", size: 1, type: "" }, "key");
  await assert.rejects(begun, (fault) => fault instanceof Passing && fault.why === "busy");
  assert.equal(sent["Idempotency-Key"], "key");
  fetch.mock.restore();
});

test("a fault that the page does not know keeps the server's reason", async () => {
  const found = await fault(429, { code: "address_count", message: "Your network has 4,000 uploads." });
  assert.ok(found instanceof Passing);
  assert.equal(found.details.message, "Your network has 4,000 uploads.");
});

test("a page of a wrong address shows which one is expected, and does not blame cookies", async () => {
  const message = "Mayfly accepts this from pages of https://drop.example.org only.";
  const wrong = await fault(403, { code: "wrong_origin", message });
  assert.ok(wrong instanceof Final);
  assert.deepEqual([wrong.message, wrong.fault], [message, undefined]);
  const stale = await fault(403, { code: "csrf", message: "The CSRF header is missing." });
  assert.ok(stale instanceof Final);
  assert.equal(stale.fault, "stale");
});

test("every reason to wait is a whole sentence, since another one follows it", () => {
  for (const cause of Object.values(causes)) assert.match(cause(), /^[A-Z].*\.$/);
});
