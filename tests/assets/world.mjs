// A server, a storage and a line for transfers, which do as a test says. Time is the test's own.

import assert from "node:assert/strict";
import { mock } from "node:test";

import { Missing } from "../../services/assets/src/faults.js";
import { Lanes } from "../../services/assets/src/lanes.js";
import { Transfer } from "../../services/assets/src/transfer.js";

/** @import { Entry } from "../../services/assets/src/store.js" */
/** @import { Services, Wanted } from "../../services/assets/src/transfer.js" */

export const PART = 10;
export const SIZE = 95; // ten parts
export const ALL = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
export const ORIGIN = "https://storage.test";

/**
 * A record of the run so far. `stored` are the parts in storage, `kept` the browser's entries.
 *
 * @typedef {object} Seen
 * @property {number} begun
 * @property {number[][]} signed the numbers of each call
 * @property {number[]} sent
 * @property {string[]} removed
 * @property {object[]} changed what each call of `change` gives
 * @property {any[]} reported
 * @property {Set<number>} stored
 * @property {Entry[]} kept
 * @property {number} completed
 * @property {string} [etag] that the last complete named
 */

/** @typedef {Services["api"]} Calls */

/**
 * One part that is sent for the n-th time: `times`.
 *
 * @typedef {object} Attempt
 * @property {number} number
 * @property {number} times
 * @property {string} url
 * @property {AbortSignal} signal
 * @property {(bytes: number) => void} moved
 */

/**
 * The services that a test replaces. Each call of the API is made from the one that it replaces.
 *
 * @typedef {object} Replaced
 * @property {File} [file]
 * @property {(attempt: Attempt) => Promise<unknown>} [put] fails or waits before a part arrives
 * @property {{ [Name in keyof Calls]?: (call: Calls[Name], seen: Seen) => Calls[Name] }} [api]
 * @property {Partial<Services["network"]>} [network] completed in place, so that the test may go offline
 * @property {Partial<Entry>[]} [entries] of the browser, from before
 * @property {Partial<Wanted>} [wanted]
 */

/**
 * A transfer with all that it works with, and what is seen of it.
 *
 * @param {Replaced} replaced
 */
export function world({ file = film(), put, api = {}, network = {}, entries = [], wanted = {} } = {}) {
  /** @type {Seen} */
  const seen = {
    begun: 0,
    signed: [],
    sent: [],
    removed: [],
    changed: [],
    reported: [],
    stored: new Set(),
    kept: entries.map(entry),
    completed: 0,
  };
  const sizeOf = (/** @type {number} */ number) => Math.min(PART, file.size - (number - 1) * PART);
  const upload = (/** @type {string} */ id, /** @type {string} */ state) => ({
    id,
    state,
    name: file.name,
    title: "",
    link: `https://mayfly.test/u/${id}/`,
    transfer: { part_size: PART },
  });
  /** @type {Services} */
  const services = {
    api: {
      begin: async () => {
        seen.begun++;
        return upload(`upload${seen.begun}`, "pending");
      },
      sign: async (id, numbers) => {
        seen.signed.push(numbers);
        const signing = seen.signed.length;
        return numbers.map((number) => ({ number, url: `${ORIGIN}/${id}/${number}/${signing}`, headers: {} }));
      },
      parts: async () => [...seen.stored].map((number) => ({ number, size: sizeOf(number) })),
      complete: async (id, _signal, etag) => {
        seen.completed++;
        seen.etag = etag;
        const missing = ALL.filter((number) => sizeOf(number) > 0 && !seen.stored.has(number));
        if (missing.length) throw new Missing(missing);
        return upload(id, "ready");
      },
      change: async (id, changes) => {
        seen.changed.push(changes);
        return upload(id, "pending");
      },
      remove: async (id) => seen.removed.push(id),
    },
    put: async ({ url }, body, { signal, moved }) => {
      const number = Number(url.split("/").at(-2));
      seen.sent.push(number);
      const times = seen.sent.filter((other) => other === number).length;
      await put?.({ number, times, url, signal, moved });
      assert.equal(body.size, sizeOf(number));
      seen.stored.add(number);
      return `"etag ${times}"`;
    },
    lanes: new Lanes(),
    store: {
      find: () => seen.kept,
      keep: (kept) => {
        seen.kept = [kept];
      },
      forget: (id) => {
        seen.kept = seen.kept.filter((kept) => kept.id !== id);
      },
    },
    claimTransfer: async () => () => {},
    identityOf: async () => "film",
    network: Object.assign(network, { online: true, prove: () => {}, reason: async () => "connection", ...network }),
    turn: async () => {},
    report: (report) => seen.reported.push(report),
  };
  for (const [name, make] of Object.entries(api)) {
    Reflect.set(services.api, name, make(Reflect.get(services.api, name), seen));
  }
  const transfer = new Transfer(file, { kind: "file", fields: { title: "T" }, ...wanted }, services);
  return { seen, services, transfer, states: () => seen.reported.filter(({ state }) => state) };
}

export function film() {
  return new File([new Uint8Array(SIZE)], "film.mp4");
}

/** A `put` that takes three seconds, unless it is called back. */
export function slowPut(/** @type {Attempt} */ { signal }) {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, 3000);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/**
 * A `put`, or a call of the API, that always fails.
 *
 * @param {() => Error} fault
 * @returns {() => Promise<never>}
 */
export function failing(fault) {
  return async () => {
    throw fault();
  };
}

/**
 * Let time pass until the promise is settled. Returns how much did, in ms, and the result.
 *
 * @param {Promise<any>} promise
 * @param {object} options
 * @param {number} [options.most] fail after so much time
 * @param {(time: number) => unknown} [options.each] called before each step; may return the length of the step
 * @returns {Promise<{ time: number, value?: any, error?: any }>}
 */
export async function pass(promise, { most = 60 * 60_000, each = () => undefined } = {}) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  /** @type {{ value?: any, error?: any } | undefined} */
  let settled;
  promise.then(
    (value) => {
      settled = { value };
    },
    (error) => {
      settled = { error };
    },
  );
  let time = 0;
  try {
    while (!settled && time < most) {
      for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (settled) break;
      const step = Number(each(time)) || (time < 120_000 ? 250 : 5_000);
      mock.timers.tick(step);
      time += step;
    }
  } finally {
    mock.timers.reset();
  }
  assert.ok(settled, "the transfer hangs");
  return { time, ...settled };
}

/**
 * @param {Partial<Entry>} given
 * @returns {Entry}
 */
function entry(given) {
  return { id: "before", kind: "file", identity: "film", size: SIZE, partSize: PART, stored: 0, ...given };
}
