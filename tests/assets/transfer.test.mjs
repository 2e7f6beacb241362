// A transfer against a server and a line that do as a test says. Time is the test's own.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Final, Gone, Missing, Passing } from "../../services/assets/src/faults.js";
import { Lanes } from "../../services/assets/src/lanes.js";
import { NotSent } from "../../services/assets/src/put.js";
import { CANCELLED, Transfer } from "../../services/assets/src/transfer.js";

const PART = 10;
const SIZE = 95; // ten parts
const ALL = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const ORIGIN = "https://storage.test";

/** A server with one box, and storage behind it; `broken` are overridden by a test. */
function world({
  file = new File([new Uint8Array(SIZE)], "film.mp4"),
  put,
  api = {},
  network = {},
  entries = [],
} = {}) {
  const it = {
    begun: 0,
    signed: [],
    sent: [],
    removed: [],
    told: [],
    stored: new Set(),
    kept: [...entries],
    completed: 0,
  };
  const sizeOf = (number) => Math.min(PART, file.size - (number - 1) * PART);
  const its = {
    api: {
      begin: async () => ({ id: `upload${++it.begun}`, transfer: { part_size: PART } }),
      sign: async (id, numbers) => {
        it.signed.push(numbers);
        return numbers.map((number) => ({ number, url: `${ORIGIN}/${id}/${number}/${it.signed.length}`, headers: {} }));
      },
      parts: async () => [...it.stored].map((number) => ({ number, size: sizeOf(number) })),
      complete: async (id) => {
        it.completed++;
        const missing = ALL.filter((number) => sizeOf(number) > 0 && !it.stored.has(number));
        if (missing.length) throw new Missing(missing);
        return { id, state: "ready" };
      },
      remove: async (id) => it.removed.push(id),
    },
    put: async (target, body, { signal, moved }) => {
      const number = Number(target.url.split("/").at(-2));
      it.sent.push(number);
      await put?.({
        number,
        signal,
        moved,
        url: target.url,
        times: it.sent.filter((other) => other === number).length,
      });
      assert.equal(body.size, sizeOf(number));
      it.stored.add(number);
    },
    lanes: new Lanes(),
    store: {
      find: () => it.kept,
      keep: (entry) => (it.kept = [entry]),
      forget: (id) => (it.kept = it.kept.filter((entry) => entry.id !== id)),
    },
    hold: async () => () => {},
    identityOf: async () => "film",
    network: { online: true, prove: () => {}, reason: async () => "connection", ...network },
    tell: (what) => it.told.push(what),
  };
  // Each override is given what it stands in place of.
  for (const [name, make] of Object.entries(api)) its.api[name] = make(its.api[name], it);
  const transfer = new Transfer(file, { kind: "file", fields: { title: "T" } }, its);
  return { ...it, it, its, transfer, states: () => it.told.filter(({ state }) => state) };
}

/** Let time pass until the promise is settled; returns how much did, and what came of it. `each` may say how far to go on. */
async function pass(promise, { most = 60 * 60_000, each = () => {} } = {}) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let settled;
  promise.then(
    (value) => (settled = { value }),
    (error) => (settled = { error }),
  );
  let time = 0;
  try {
    while (!settled && time < most) {
      for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (settled) break;
      const step = each(time) || (time < 120_000 ? 250 : 5_000);
      mock.timers.tick(step);
      time += step;
    }
  } finally {
    mock.timers.reset();
  }
  assert.ok(settled, "it hangs");
  return { time, ...settled };
}

test("all parts are sent once, and the ready upload comes back", async () => {
  const { it, transfer } = world();
  const { value } = await pass(transfer.run());
  assert.equal(value.state, "ready");
  assert.deepEqual(
    it.sent.toSorted((a, b) => a - b),
    ALL,
  );
  assert.equal(it.completed, 1);
  assert.deepEqual(it.kept, []);
});

test("four parts travel at a time, and URLs are asked for some parts together", async () => {
  let travelling = 0;
  let most = 0;
  const { it, transfer } = world({
    put: async () => {
      most = Math.max(most, ++travelling);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      travelling--;
    },
  });
  await pass(transfer.run());
  assert.equal(most, 4);
  assert.equal(it.signed.length, 2);
});

test("the interrupted transfer of the same file goes on with what is missing", async () => {
  const entry = { id: "before", kind: "file", identity: "film", size: SIZE, partSize: PART };
  const { it, transfer } = world({ entries: [entry] });
  [1, 2, 5, 10].forEach((number) => it.stored.add(number));
  const { value } = await pass(transfer.run());
  assert.equal(value.id, "before");
  assert.deepEqual(
    it.sent.toSorted((a, b) => a - b),
    [3, 4, 6, 7, 8, 9],
  );
  assert.equal(it.begun, 0);
});

test("an interrupted transfer that the server has dropped is forgotten, and begun afresh", async () => {
  const { it, transfer } = world({
    entries: [{ id: "before", partSize: PART }],
    api: {
      parts: () => async () => {
        throw new Gone();
      },
    },
  });
  const { value } = await pass(transfer.run());
  assert.equal(value.id, "upload1");
});

test("an interrupted transfer that another tab is sending is left to it", async () => {
  const { its, transfer } = world({ entries: [{ id: "before", partSize: PART }] });
  its.hold = async (id) => (id === "before" ? null : () => {});
  const { value } = await pass(transfer.run());
  assert.equal(value.id, "upload1");
});

test("a part that fails is sent again after a wait, with a URL of its own", async () => {
  const urls = [];
  const { it, transfer } = world({
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
  assert.equal(it.sent.filter((number) => number !== 3).length, 9);
});

test("a part that came, though its answer was lost, is not sent again", async () => {
  const { it, transfer } = world({
    put: async ({ number, times }) => {
      if (number !== 3 || times > 1) return;
      it.stored.add(3);
      throw new NotSent({ moved: PART });
    },
  });
  const { value } = await pass(transfer.run());
  assert.equal(value.state, "ready");
  assert.equal(it.sent.length, 10);
});

test("Case 21: a URL that ended while the laptop slept is renewed at once, and no patience is lost", async () => {
  let slept = false;
  const { it, transfer, states } = world({
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
  assert.equal(it.sent.filter((number) => number === 5).length, 2);
});

test("a URL that has grown old while its part waited is not even tried", async () => {
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

test("a part that is refused with every new URL ends in words", async () => {
  const { it, transfer } = world({
    put: async ({ number }) => {
      if (number === 2) throw new NotSent({ status: 403 });
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.word, "refused");
  assert.equal(it.sent.filter((number) => number === 2).length, 5);
});

test("Case 25: a line that is lost for ten minutes loses nothing", async () => {
  let until = 0;
  const { it, transfer } = world({
    put: async () => {
      if (!until) until = Date.now() + 10 * 60_000;
      if (Date.now() < until) throw new NotSent({});
    },
  });
  const { value, time } = await pass(transfer.run());
  assert.equal(value.state, "ready");
  assert.ok(time >= 10 * 60_000);
  assert.equal(it.begun, 1);
});

test("Case 25: a line that stays lost ends with a reason, after ten minutes at the earliest", async () => {
  for (const fault of [{}, { stalled: true }, { status: 500 }]) {
    const { it, transfer } = world({
      put: async () => {
        throw new NotSent(fault);
      },
    });
    const { error, time } = await pass(transfer.run());
    assert.ok(error instanceof Final);
    assert.equal(error.word, "gaveUp");
    assert.ok(error.values.why);
    assert.ok(time >= 10 * 60_000, `${time}`);
    assert.equal(it.kept.length, 1, "what was sent can go on later");
  }
});

test("Case 25: of an API that is away for ten minutes at any step nothing is lost", async () => {
  for (const step of ["begin", "sign", "complete"]) {
    let until = 0;
    const { transfer } = world({
      api: {
        [step]:
          (call) =>
          async (...given) => {
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

test("a server that says when to come back is not asked before", async () => {
  const asked = [];
  const { transfer } = world({
    api: {
      begin: (call) => async () => {
        asked.push(Date.now());
        if (asked.length === 1) throw new Passing("server", { retryAfter: 40_000, message: "Too many." });
        return call();
      },
    },
  });
  await pass(transfer.run());
  assert.ok(asked[1] - asked[0] >= 40_000);
});

test("offline it waits without an end, and goes on in the moment that the connection is back", async () => {
  const network = { online: true };
  const { it, its, transfer, states } = world({
    put: ({ signal }) =>
      new Promise((resolve, reject) => {
        if (its.network.online) return setTimeout(resolve, 2000);
        return reject(new NotSent({}));
      }),
    network,
  });
  const hours = 3 * 3_600_000;
  let back;
  const { value, time } = await pass(transfer.run(), {
    most: 2 * hours,
    each: (time) => {
      if (time === 1000) {
        its.network.online = false;
        transfer.lost();
      } else if (time >= hours && !back) {
        back = time;
        its.network.online = true;
        transfer.back();
      }
      return back && 250;
    },
  });
  assert.equal(value.state, "ready");
  assert.ok(states().some(({ why }) => why === "offline"));
  assert.ok(time - back < 10_000, `${time - back}`);
  assert.equal(it.begun, 1);
});

test("Case 22: a page that is barred from storage is told so, with the origin, within a minute", async () => {
  const { transfer } = world({
    put: async () => {
      throw new NotSent({});
    },
    network: { reason: async () => "barred" },
  });
  const { error, time } = await pass(transfer.run());
  assert.equal(error.word, "barred");
  assert.equal(error.values.origin, ORIGIN);
  assert.ok(time < 60_000, `${time}`);
});

test("Case 22: storage that is away is not taken for one that bars the page", async () => {
  const { transfer } = world({
    put: async () => {
      throw new NotSent({});
    },
    network: { reason: async () => "storage" },
  });
  const { error } = await pass(transfer.run());
  assert.deepEqual([error.word, error.values.why], ["gaveUp", "storage"]);
});

test("a file that changed on disk ends in words", async () => {
  const file = new File([new Uint8Array(SIZE)], "film.mp4");
  const { transfer } = world({
    file,
    put: async () => {
      throw new NotSent({});
    },
  });
  const slice = file.slice.bind(file);
  file.slice = (...range) =>
    Object.assign(slice(...range), {
      arrayBuffer: async () => {
        throw new DOMException("", "NotReadableError");
      },
    });
  const { error } = await pass(transfer.run());
  assert.equal(error.word, "unreadable");
});

test("parts that storage lost are sent again, and no others", async () => {
  let first = true;
  const { it, transfer } = world({
    api: {
      complete: (call, it) => async (id) => {
        if (first) [2, 7].forEach((number) => it.stored.delete(number));
        first = false;
        return call(id);
      },
    },
  });
  const { value } = await pass(transfer.run());
  assert.equal(value.state, "ready");
  assert.deepEqual(it.sent.slice(10).toSorted(), [2, 7]);
});

test("Case 27: storage that loses parts every time is told, after five rounds", async () => {
  const { it, transfer } = world({
    api: {
      complete: () => async () => {
        throw new Missing([2]);
      },
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.word, "lost");
  assert.equal(it.sent.filter((number) => number === 2).length, 5);
});

test("a transfer that the server gave up in the middle is begun afresh, once", async () => {
  let failed = false;
  const { it, transfer } = world({
    api: {
      sign: (call, it) => async (id, numbers) => {
        if (id === "upload1" && it.sent.length) {
          it.stored.clear();
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

test("Case 27: a server that gives every transfer up is told in words, and all is not sent for ever", async () => {
  const { it, transfer } = world({
    put: async () => {
      throw new NotSent({ status: 404 });
    },
    api: {
      parts: () => async () => {
        throw new Gone();
      },
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.word, "gone");
  assert.equal(it.begun, 2);
  assert.ok(it.sent.length <= 8, `${it.sent.length}`);
});

test("Case 27: an upload that has gone once all of it was there is not sent a second time", async () => {
  const { it, transfer } = world({
    api: {
      complete: () => async () => {
        throw new Gone();
      },
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.word, "late");
  assert.equal(it.begun, 1);
  assert.equal(it.sent.length, 10);
});

test("what the server refuses ends in its own words, and is not offered again", async () => {
  const { it, transfer } = world({
    api: {
      complete: () => async () => {
        throw new Final({ message: "Not an image." });
      },
    },
  });
  const { error } = await pass(transfer.run());
  assert.equal(error.message, "Not an image.");
  assert.deepEqual(it.kept, []);
});

test("a pause calls everything back at once, and resuming sends only what was not there", async () => {
  const { it, transfer } = world({
    put: ({ signal }) =>
      new Promise((resolve, reject) => {
        setTimeout(resolve, 3000);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  let atPause;
  let atResume;
  const { value } = await pass(transfer.run(), {
    each: (time) => {
      if (time === 4000) {
        transfer.pause();
      } else if (time === 5000) {
        atPause = it.sent.length;
      } else if (time === 100_000) {
        atResume = it.sent.length;
        transfer.resume();
      }
    },
  });
  assert.equal(value.state, "ready");
  assert.equal(atResume, atPause);
  assert.deepEqual(it.sent.slice(0, 4).toSorted(), [1, 2, 3, 4]);
  assert.equal(it.sent.length, 14); // the second four had to travel again
});

test("a cancelled transfer sends nothing more, and is removed from the server and the browser", async () => {
  const { it, transfer } = world({
    put: ({ signal }) =>
      new Promise((resolve, reject) => {
        setTimeout(resolve, 3000);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  const { error } = await pass(transfer.run(), {
    each: (time) => {
      if (time === 1000) transfer.cancel();
    },
  });
  assert.equal(error, CANCELLED);
  assert.deepEqual(it.removed, ["upload1"]);
  assert.deepEqual(it.kept, []);
  assert.equal(it.sent.length, 4);
});

test("a transfer that is cancelled while it begins leaves nothing with the server", async () => {
  const { it, transfer } = world({
    api: {
      begin: (call) => async () => {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        return call();
      },
    },
  });
  const { error } = await pass(transfer.run(), {
    each: (time) => {
      if (time === 500) transfer.cancel();
    },
  });
  assert.equal(error, CANCELLED);
  assert.deepEqual(it.removed, ["upload1"]);
});

test("a paused transfer can be cancelled", async () => {
  const { it, transfer } = world({
    put: ({ signal }) =>
      new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const { error } = await pass(transfer.run(), {
    each: (time) => {
      if (time === 500) transfer.pause();
      if (time === 1000) transfer.cancel();
    },
  });
  assert.equal(error, CANCELLED);
  assert.deepEqual(it.removed, ["upload1"]);
});

test("progress never falls below what storage has, and names every byte at the end", async () => {
  const { it, transfer } = world({
    put: async ({ number, times, moved }) => {
      moved(5);
      if (number === 4 && times === 1) throw new NotSent({ moved: 5 });
    },
  });
  await pass(transfer.run());
  const bytes = it.told.filter((what) => what.bytes !== undefined).map((what) => what.bytes);
  assert.equal(bytes.at(-1), SIZE);
  assert.ok(bytes.every((sum) => sum <= SIZE));
});
