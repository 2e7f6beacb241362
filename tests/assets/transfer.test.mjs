// A transfer's way from begin to complete, with its pauses.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { CANCELLED, Gone, Passing } from "../../services/assets/src/faults.js";
import { NotSent } from "../../services/assets/src/put.js";
import { Transfer } from "../../services/assets/src/transfer.js";
import { ALL, failing, film, ORIGIN, PART, pass, SIZE, slowPut, world } from "./world.mjs";

/** @import { Replaced } from "./world.mjs" */

test("each part is sent once, and the ready upload comes back", async () => {
  const { seen, transfer } = world();
  const { value } = await pass(transfer.run());
  assert.equal(value.state, "ready");
  assert.deepEqual(
    seen.sent.toSorted((a, b) => a - b),
    ALL,
  );
  assert.equal(seen.completed, 1);
  assert.deepEqual(seen.kept, []);
});

test("a part that the begin has signed needs no other signature", async () => {
  const first = [1, 2, 3, 4].map((number) => ({ number, url: `${ORIGIN}/upload1/${number}/0`, headers: {} }));
  /** @type {NonNullable<Replaced["api"]>["begin"]} */
  const begin =
    (call) =>
    async (...wish) => {
      const upload = await call(...wish);
      return { ...upload, transfer: { ...upload.transfer, first } };
    };
  const { transfer, seen } = world({ file: new File([new Uint8Array(PART)], "small.txt"), api: { begin } });
  await transfer.run();
  assert.deepEqual([seen.begun, seen.signed, seen.sent, seen.completed], [1, [], [1], 1]);
  const longer = world({ api: { begin } });
  await longer.transfer.run();
  assert.deepEqual(
    longer.seen.signed.flat().sort((a, b) => a - b),
    [5, 6, 7, 8, 9, 10],
  );
});

test("the answer to an only part goes to the server, and those to several do not", async () => {
  const small = world({ file: new File([new Uint8Array(PART)], "small.txt") });
  await small.transfer.run();
  assert.equal(small.seen.etag, '"etag 1"');
  const longer = world();
  await longer.transfer.run();
  assert.equal(longer.seen.etag, "");
});

test("an only part of which no answer came is completed without one", async () => {
  const { seen, transfer } = world({
    file: new File([new Uint8Array(PART)], "small.txt"),
    put: async ({ number, moved }) => {
      moved(PART);
      seen.stored.add(number);
      throw new NotSent({ moved: PART });
    },
  });
  await pass(transfer.run());
  assert.deepEqual([seen.sent, seen.etag], [[1], ""]);
});

test("four parts travel at a time, and several are signed together", async () => {
  let travelling = 0;
  let most = 0;
  const { seen, transfer } = world({
    put: async () => {
      travelling++;
      most = Math.max(most, travelling);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      travelling--;
    },
  });
  await pass(transfer.run());
  assert.equal(most, 4);
  assert.equal(seen.signed.length, 2);
});

test("an interrupted transfer of the same file sends what is missing", async () => {
  const { seen, transfer } = world({ entries: [{ id: "before" }] });
  for (const number of [1, 2, 5, 10]) seen.stored.add(number);
  const { value } = await pass(transfer.run());
  assert.equal(value.id, "before");
  assert.deepEqual(
    seen.sent.toSorted((a, b) => a - b),
    [3, 4, 6, 7, 8, 9],
  );
  assert.equal(seen.begun, 0);
});

test("a transfer that the server has dropped begins afresh", async () => {
  const { transfer } = world({
    entries: [{ id: "before" }],
    api: {
      parts: () => failing(() => new Gone()),
    },
  });
  const { value } = await pass(transfer.run());
  assert.equal(value.id, "upload1");
});

test("a tab leaves a transfer to the tab that is sending it", async () => {
  const { services, transfer } = world({ entries: [{ id: "before" }] });
  services.claimTransfer = async (id) => (id === "before" ? null : () => {});
  const { value } = await pass(transfer.run());
  assert.equal(value.id, "upload1");
});

test("a part that arrived without an answer is not sent again", async () => {
  const { seen, transfer } = world({
    put: async ({ number, times }) => {
      if (number !== 3 || times > 1) return;
      seen.stored.add(3);
      throw new NotSent({ moved: PART });
    },
  });
  const { value } = await pass(transfer.run());
  assert.equal(value.state, "ready");
  assert.equal(seen.sent.length, 10);
});

test("Case 21: a URL that expired during sleep is renewed at once", async () => {
  let slept = false;
  const { seen, transfer, states } = world({
    put: async ({ number, times }) => {
      if (number !== 5 || times > 1) return;
      mock.timers.tick(20 * 60_000);
      slept = true;
      throw new NotSent({ status: 403 });
    },
  });
  const { value } = await pass(transfer.run());
  assert.ok(slept);
  assert.equal(value.state, "ready");
  assert.deepEqual(
    states().filter(({ state }) => state === "waiting"),
    [],
  );
  assert.equal(seen.sent.filter((number) => number === 5).length, 2);
});

test("a URL that grew old while its part waited is not tried", async () => {
  const tried = new Map();
  const { transfer } = world({
    put: async ({ number, url }) => {
      tried.set(number, url);
      if (number === 4) mock.timers.tick(11 * 60_000);
    },
  });
  await pass(transfer.run());
  const signings = new Set([...tried.values()].map((url) => url.split("/").at(-1)));
  assert.ok(signings.size >= 2);
});

test("a pause stops at once, and resuming sends only what is missing", async () => {
  const { seen, transfer } = world({
    put: slowPut,
  });
  let atPause;
  let atResume;
  const { value } = await pass(transfer.run(), {
    each: (time) => {
      if (time === 4000) {
        transfer.pause();
      } else if (time === 5000) {
        atPause = seen.sent.length;
      } else if (time === 100_000) {
        atResume = seen.sent.length;
        transfer.resume();
      }
    },
  });
  assert.equal(value.state, "ready");
  assert.equal(atResume, atPause);
  assert.deepEqual(seen.sent.slice(0, 4).toSorted(), [1, 2, 3, 4]);
  assert.equal(seen.sent.length, 14); // the second four had to travel again
});

test("cancelling removes the upload from the server and the browser", async () => {
  const { seen, transfer } = world({
    put: slowPut,
  });
  const { error } = await pass(transfer.run(), {
    each: (time) => {
      if (time === 1000) transfer.cancel();
    },
  });
  assert.equal(error, CANCELLED);
  assert.deepEqual(seen.removed, ["upload1"]);
  assert.deepEqual(seen.kept, []);
  assert.equal(seen.sent.length, 4);
});

test("a begin whose answer is lost is repeated under its key, as it was", async () => {
  /** @type {[object, string][]} */
  const asked = [];
  const record = () => {
    const { transfer, seen } = world({
      api: {
        begin:
          (call) =>
          async (...wish) => {
            asked.push(wish);
            if (asked.length === 1) {
              transfer.edit({ title: "Other" });
              throw new Passing("connection");
            }
            return call(...wish);
          },
      },
    });
    return { transfer, seen };
  };
  const { transfer, seen } = record();
  await pass(transfer.run());
  assert.deepEqual(asked[1], asked[0]);
  assert.deepEqual(seen.changed, [{ title: "Other" }]);
  await pass(record().transfer.run());
  assert.match(asked[2][1], /^[0-9a-f]{32}$/);
  assert.notEqual(asked[2][1], asked[0][1]);
});

test("a transfer cancelled while it begins leaves nothing on the server", async () => {
  const { seen, transfer } = world({
    api: {
      begin:
        (call) =>
        async (...wish) => {
          await new Promise((resolve) => setTimeout(resolve, 2000));
          return call(...wish);
        },
    },
  });
  const { error } = await pass(transfer.run(), {
    each: (time) => {
      if (time === 500) transfer.cancel();
    },
  });
  assert.equal(error, CANCELLED);
  assert.deepEqual(seen.removed, ["upload1"]);
});

test("a paused transfer can be cancelled", async () => {
  const { seen, transfer } = world({
    put: ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const { error } = await pass(transfer.run(), {
    each: (time) => {
      if (time === 500) transfer.pause();
      if (time === 1000) transfer.cancel();
    },
  });
  assert.equal(error, CANCELLED);
  assert.deepEqual(seen.removed, ["upload1"]);
});

test("progress never exceeds the size, and ends with every byte", async () => {
  const { seen, transfer } = world({
    put: async ({ number, times, moved }) => {
      moved(5);
      if (number === 4 && times === 1) throw new NotSent({ moved: 5 });
    },
  });
  await pass(transfer.run());
  const bytes = seen.reported.filter((what) => what.bytes !== undefined).map((what) => what.bytes);
  assert.equal(bytes.at(-1), SIZE);
  assert.ok(bytes.every((sum) => sum <= SIZE));
});

test("a file begins only once a part of it can travel", async () => {
  const first = world({ put: slowPut });
  const second = world({ put: slowPut });
  second.services.lanes = first.services.lanes;
  const transfer = new Transfer(film(), { kind: "file", fields: {} }, second.services);
  /** @type {number[]} */
  const left = [];
  const begin = second.services.api.begin;
  second.services.api.begin = (...wish) => {
    left.push(ALL.length - first.seen.stored.size);
    return begin(...wish);
  };
  const start = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return transfer.run();
  };
  const later = new Promise((resolve) => setImmediate(resolve)).then(start); // once the time is the test's
  await pass(Promise.all([first.transfer.run(), later]));
  assert.equal(left.length, 1);
  assert.ok(left[0] < ALL.length, "no part had made room");
});

test("a line too slow for four parts carries one at a time", async () => {
  // Each of four parts takes twenty minutes, and a single one five.
  const { seen, services, transfer } = world({
    put: ({ signal }) =>
      new Promise((resolve, reject) => {
        setTimeout(resolve, services.lanes.limit * 300_000);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  /** @type {number[]} */
  const arrived = [];
  await pass(transfer.run(), {
    most: 3 * 60 * 60_000,
    each: (time) => {
      if (seen.stored.size > arrived.length) arrived.push(time);
      if (arrived.length === 1) assert.equal(services.lanes.limit, 1);
    },
  });
  assert.ok(arrived[0] < 15 * 60_000, `${arrived[0]} ms until the first part`);
});

test("the server looks at what has arrived every four minutes", async () => {
  /** @type {number[]} */
  const looks = [];
  const { transfer } = world({
    put: () => new Promise((resolve) => setTimeout(resolve, 150_000)),
    api: {
      parts: (call, seen) => (id, signal) => {
        looks.push(seen.stored.size);
        return call(id, signal);
      },
    },
  });
  await pass(transfer.run());
  // Ten parts, four at a time, take seven and a half minutes.
  assert.equal(looks.length, 1);
  assert.ok(looks[0] > 4 && looks[0] <= 8);
});

test("a look that fails disturbs no transfer", async () => {
  const { transfer } = world({
    put: () => new Promise((resolve) => setTimeout(resolve, 150_000)),
    api: { parts: () => failing(() => new Gone()) },
  });
  const { value } = await pass(transfer.run());
  assert.equal(value.state, "ready");
});

test("a transfer that expired during a long pause begins anew", async () => {
  /** @type {Set<string>} */
  const expired = new Set();
  const { seen, transfer } = world({
    put: slowPut,
    api: {
      sign: (call) => async (id, numbers, signal) => {
        if (expired.has(id)) throw new Gone();
        return call(id, numbers, signal);
      },
    },
  });
  const { value } = await pass(transfer.run(), {
    each: (time) => {
      if (time === 2000) transfer.pause();
      if (time === 30 * 60_000) {
        expired.add("upload1");
        seen.stored.clear();
        transfer.resume();
      }
    },
  });
  assert.equal(value.id, "upload2");
  assert.equal(seen.begun, 2);
});

test("a transfer that is paused or cancelled at its begin gives its lane back", async () => {
  for (const stop of /** @type {const} */ (["pause", "cancel"])) {
    const { services, transfer } = world({
      api: {
        begin:
          (call) =>
          async (...wish) => {
            await new Promise((resolve) => setTimeout(resolve, 1000));
            return call(...wish);
          },
      },
    });
    /** @type {Promise<unknown> | undefined} */
    let running;
    const start = async () => {
      running = transfer.run().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 5000));
      await Promise.all([1, 2, 3, 4].map(() => services.lanes.take()));
    };
    const soon = new Promise((resolve) => setImmediate(resolve)).then(start);
    await pass(soon, { each: (time) => (time === 500 ? transfer[stop]() : undefined) });
    transfer.cancel();
    await running;
  }
});
