// How a transfer reacts to each fault of line, storage and server.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Final, Gone, Missing, Passing } from "../../services/assets/src/faults.js";
import { NotSent } from "../../services/assets/src/put.js";
import { failing, film, ORIGIN, pass, world } from "./world.mjs";

test("a failed part is sent again after a wait, with a new URL", async () => {
  /** @type {string[]} */
  const urls = [];
  const { seen, transfer } = world({
    put: async ({ number, times, url }) => {
      if (number !== 3) return;
      urls.push(url);
      if (times <= 2) throw new NotSent({ status: 503 });
    },
  });
  const { value, time } = await pass(transfer.run());
  assert.equal(value.state, "ready");
  assert.equal(new Set(urls).size, 3);
  assert.ok(time >= 750, `${time}`); // two waits, of half a second at the least
  assert.equal(seen.sent.filter((number) => number !== 3).length, 9);
});

test("a part that storage refuses with every new URL ends the transfer", async () => {
  const { seen, transfer } = world({
    put: async ({ number }) => {
      if (number === 2) throw new NotSent({ status: 403 });
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.fault, "refused");
  assert.equal(seen.sent.filter((number) => number === 2).length, 5);
});

test("Case 25: a line that is lost for ten minutes loses nothing", async () => {
  let until = 0;
  const { seen, transfer } = world({
    put: async () => {
      if (!until) until = Date.now() + 10 * 60_000;
      if (Date.now() < until) throw new NotSent({});
    },
  });
  const { value, time } = await pass(transfer.run());
  assert.equal(value.state, "ready");
  assert.ok(time >= 10 * 60_000);
  assert.equal(seen.begun, 1);
});

test("Case 25: a line that stays lost for ten minutes ends with a reason", async () => {
  for (const fault of [{}, { stalled: true }, { status: 500 }]) {
    const { seen, transfer } = world({
      put: failing(() => new NotSent(fault)),
    });
    const { error, time } = await pass(transfer.run());
    assert.ok(error instanceof Final);
    assert.equal(error.fault, "gaveUp");
    assert.ok(error.values.why);
    assert.ok(time >= 10 * 60_000, `${time}`);
    assert.equal(seen.kept.length, 1, "what was sent is kept for later");
  }
});

test("Case 25: an API that is away for ten minutes loses nothing", async () => {
  for (const step of ["begin", "sign", "complete"]) {
    let until = 0;
    const { transfer } = world({
      api: {
        [step]:
          (/** @type {Function} */ call) =>
          async (/** @type {unknown[]} */ ...given) => {
            until ||= Date.now() + 10 * 60_000;
            if (Date.now() < until) throw new Passing("server");
            return call(...given);
          },
      },
    });
    const { value } = await pass(transfer.run());
    assert.equal(value.state, "ready", step);
  }
});

test("a transfer asks no earlier than the server's Retry-After", async () => {
  /** @type {number[]} */
  const asked = [];
  const { transfer } = world({
    api: {
      begin:
        (call) =>
        async (...wish) => {
          asked.push(Date.now());
          if (asked.length === 1) throw new Passing("server", { retryAfter: 40_000, message: "Too many." });
          return call(...wish);
        },
    },
  });
  await pass(transfer.run());
  assert.ok(asked[1] - asked[0] >= 40_000);
});

test("an offline transfer waits for hours, and continues at once when online", async () => {
  const network = { online: true };
  const { seen, transfer, states } = world({
    put: async () => {
      if (!network.online) throw new NotSent({});
      await new Promise((resolve) => setTimeout(resolve, 2000));
    },
    network,
  });
  const hours = 3 * 3_600_000;
  let back = 0;
  const { value, time } = await pass(transfer.run(), {
    most: 2 * hours,
    each: (time) => {
      if (time === 1000) {
        network.online = false;
        transfer.lost();
      } else if (time >= hours && !back) {
        back = time;
        network.online = true;
        transfer.back();
      }
      return back && 250;
    },
  });
  assert.equal(value.state, "ready");
  assert.ok(states().some(({ why }) => why === "offline"));
  assert.ok(time - back < 10_000, `${time - back}`);
  assert.equal(seen.begun, 1);
});

test("Case 22: a page that CORS bars learns the origin within a minute", async () => {
  const { transfer } = world({
    put: failing(() => new NotSent({})),
    network: { reason: async () => "barred" },
  });
  const { error, time } = await pass(transfer.run());
  assert.equal(error.fault, "barred");
  assert.equal(error.values.origin, ORIGIN);
  assert.ok(time < 60_000, `${time}`);
});

test("Case 22: storage that is away does not count as CORS", async () => {
  const { transfer } = world({
    put: failing(() => new NotSent({})),
    network: { reason: async () => "storage" },
  });
  const { error } = await pass(transfer.run());
  assert.deepEqual([error.fault, error.values.why], ["gaveUp", "storage"]);
});

test("a file that changed on disk ends the transfer", async () => {
  const file = film();
  const { transfer } = world({
    file,
    put: failing(() => new NotSent({})),
  });
  const slice = file.slice.bind(file);
  file.slice = (...range) =>
    Object.assign(slice(...range), {
      arrayBuffer: failing(() => new DOMException("", "NotReadableError")),
    });
  const { error } = await pass(transfer.run());
  assert.equal(error.fault, "unreadable");
});

test("only the parts that storage lost are sent again", async () => {
  let first = true;
  const { seen, transfer } = world({
    api: {
      complete: (call, seen) => async (id) => {
        if (first) for (const number of [2, 7]) seen.stored.delete(number);
        first = false;
        return call(id);
      },
    },
  });
  const { value } = await pass(transfer.run());
  assert.equal(value.state, "ready");
  assert.deepEqual(seen.sent.slice(10).toSorted(), [2, 7]);
});

test("Case 27: storage that always loses parts ends it after five rounds", async () => {
  const { seen, transfer } = world({
    api: {
      complete: () => failing(() => new Missing([2])),
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.fault, "lost");
  assert.equal(seen.sent.filter((number) => number === 2).length, 5);
});

test("a transfer that the server gave up begins afresh once", async () => {
  let failed = false;
  const { transfer } = world({
    api: {
      sign: (call, seen) => async (id, numbers) => {
        if (id === "upload1" && seen.sent.length) {
          seen.stored.clear();
          failed = true;
          throw new Gone();
        }
        return call(id, numbers);
      },
    },
  });
  const { value } = await pass(transfer.run());
  assert.ok(failed);
  assert.equal(value.id, "upload2");
});

test("Case 27: a server that gives up every transfer ends it", async () => {
  const { seen, transfer } = world({
    put: failing(() => new NotSent({ status: 404 })),
    api: {
      parts: () => failing(() => new Gone()),
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.fault, "gone");
  assert.equal(seen.begun, 2);
  assert.ok(seen.sent.length <= 8, `${seen.sent.length}`);
});

test("Case 27: a complete upload that is gone is not sent again", async () => {
  const { seen, transfer } = world({
    api: {
      complete: () => failing(() => new Gone()),
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.fault, "late");
  assert.equal(seen.begun, 1);
  assert.equal(seen.sent.length, 10);
});

test("a refusal shows the server's words, and offers no resumption", async () => {
  const { seen, transfer } = world({
    api: {
      complete: () => failing(() => new Final({ message: "Not an image." })),
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.message, "Not an image.");
  assert.deepEqual(seen.kept, []);
});
