// A bundle of several files: when it is opened, completed and given up.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Bundle } from "../../services/assets/src/bundle.js";
import { Final, Gone, Passing } from "../../services/assets/src/faults.js";
import { Uploader } from "../../services/assets/src/uploader.js";
import { film, pass, SIZE, slowPut, world } from "./world.mjs";

/** @import { BundleEntry } from "../../services/assets/src/store.js" */
/** @import { Replaced } from "./world.mjs" */

const BUNDLE = { id: "b1", state: "open", name: "", title: "", size: 0, link: "https://mayfly.test/b/b1/" };

/**
 * Files that are sent as one bundle, on a page that does as main.js.
 *
 * @param {Replaced} replaced
 * @param {{ [Name in keyof ReturnType<typeof calls>]?: (times: number) => unknown }} fails called before each call, which
 *   may throw what the call is to throw
 * @param {{ entry: BundleEntry, arrived: number, release: () => void }} [resumed]
 */
function page(replaced = {}, fails = {}, resumed) {
  const { services } = world(replaced);
  /** @type {any[]} */
  const asked = [];
  /** @type {BundleEntry[]} */
  let kept = resumed ? [resumed.entry] : [];
  /** @type {any[]} */
  const ends = [];
  let end = Promise.withResolvers();
  const names = ["a.mp4", "b.mp4", "c.mp4"];
  const files = names.map((name) => new File([film()], name, { lastModified: 0 }));
  const bundle = new Bundle(
    {
      kind: "file",
      files,
      fields: resumed ? {} : { title: "T" },
      choices: { downloads: 3, password: "geheim", metadata: "keep" },
      kept: { downloads: 3, mark: "m" },
      resumed,
    },
    {
      api: /** @type {any} */ (calls(asked, fails)),
      store: {
        keep: (entry) => {
          kept = [structuredClone(entry)];
        },
        forget: () => {
          kept = [];
        },
      },
      claimTransfer: async () => () => {},
      network: { ...services.network, watch() {} },
      changed({ card, failed }) {
        if (card.is.state === "failed") end.resolve(failed.map(({ name }) => name));
      },
      ready: (_, answer) => {
        ends.push(answer.id);
        end.resolve("ready");
      },
      ended(one, error) {
        ends.push(error);
        for (const item of one.left) uploader.cancel(item);
        end.resolve("ended");
      },
    },
  );
  const uploader = new Uploader(
    { ...services, network: { ...services.network, watch() {} } },
    {
      changed: (item) => item.bundle?.changed(item),
      ready() {},
      removed: (item) => item.bundle?.leaveOut(item),
      idle() {},
    },
  );
  const send = (chosen = files) => chosen.map((file) => uploader.send(file, "file", {}, { bundle }));
  /** Let time pass until the bundle has come to an end, or asks the visitor. Returns which of them. */
  const rest = async (/** @type {(time: number) => unknown} */ each = () => undefined) => {
    end = Promise.withResolvers();
    return (await pass(end.promise, { each })).value;
  };
  const what = () => asked.map(({ call }) => call);
  return { bundle, uploader, files, send, rest, asked, what, ends, kept: () => kept };
}

/**
 * @param {any[]} asked
 * @param {any} fails
 */
function calls(asked, fails) {
  const call = (/** @type {string} */ name, /** @type {any[]} */ ...given) => {
    asked.push({ call: name, given });
    fails[name]?.(asked.filter((one) => one.call === name).length);
    return BUNDLE;
  };
  return {
    begin: async (/** @type {any} */ wish, /** @type {string} */ key) => call("begin", wish, key),
    complete: async () => call("complete"),
    change: async (/** @type {string} */ _, /** @type {object} */ changes) => call("change", changes),
    remove: async () => call("remove"),
    read: async () => call("read"),
  };
}

/** @param {string} bad */
const failsFor = (bad) => ({
  begin: (/** @type {any} */ begin) => async (/** @type {any} */ wish) => {
    if (wish.name === bad) throw new Final({ message: "no" });
    return begin(wish);
  },
});

test("a bundle is opened once, and completed once all of its files have arrived", async () => {
  const { send, rest, asked, what, ends, kept, bundle } = page({ put: slowPut });
  send();
  assert.equal(await rest((time) => time === 2000 && assert.equal(kept()[0]?.files.length, 3)), "ready");
  assert.deepEqual([what(), ends, kept()], [["begin", "complete"], ["b1"], []]);
  const [wish] = asked[0].given;
  assert.deepEqual(wish, { title: "T", downloads: 3, password: "geheim" });
  assert.deepEqual([bundle.card.kept, bundle.arrived, bundle.card.most], [{ downloads: 3, mark: "m" }, 3, 3 * SIZE]);
});

test("no try makes a second bundle: each has the key of the first", async () => {
  const lost = (/** @type {number} */ times) => {
    if (times < 4) throw new Passing("connection");
  };
  const { send, rest, asked, what, ends } = page({}, { begin: lost, complete: lost });
  send();
  assert.equal(await rest(), "ready");
  const keys = asked.filter(({ call }) => call === "begin").map(({ given }) => given[1]);
  assert.deepEqual([new Set(keys).size, keys[0].length, ends], [1, 32, ["b1"]]);
  assert.equal(what().filter((call) => call === "complete").length, 4);
});

test("a bundle with a file that failed waits for its visitor, who leaves it out or tries again", async () => {
  for (const how of ["leave out", "retry"]) {
    const { send, rest, bundle, uploader, what, kept } = page({ api: failsFor("b.mp4") });
    send();
    assert.deepEqual([await rest(), bundle.arrived, what()], [["b.mp4"], 2, ["begin"]]);
    assert.deepEqual(
      kept()[0]?.files.map(([name, , , id]) => [name, Boolean(id)]),
      [
        ["a.mp4", true],
        ["b.mp4", false],
        ["c.mp4", true],
      ],
    );
    const done = rest();
    for (const item of bundle.failed) how === "retry" ? uploader.retry(item) : uploader.cancel(item);
    if (how === "retry") assert.deepEqual([await done, what()], [["b.mp4"], ["begin"]]);
    else assert.deepEqual([await done, what(), bundle.all], ["ready", ["begin", "complete"], 2]);
  }
});

test("a bundle that is given up is removed, with the files that are under way", async () => {
  for (const how of ["bundle", "files"]) {
    const { send, rest, bundle, uploader, what, ends, kept } = page({ put: slowPut });
    const items = send();
    const end = await rest((time) => {
      if (time !== 1000) return;
      if (how === "bundle") bundle.cancel();
      else for (const item of items) uploader.cancel(item);
    });
    assert.deepEqual([end, what(), ends, kept()], ["ended", ["begin", "remove"], [undefined], []], how);
    assert.deepEqual([uploader.items, uploader.busy], [[], false]);
  }
});

test("a bundle that was deleted elsewhere ends with a reason", async () => {
  const gone = () => {
    throw new Gone();
  };
  const refused = page({
    api: {
      begin: () => async () => {
        throw new Final({ fault: "unbundled" });
      },
    },
  });
  refused.send();
  assert.equal(await refused.rest(), "ended");
  const late = page({ api: { complete: () => async () => gone() } }, { read: gone });
  late.send();
  assert.equal(await late.rest(), "ended");
  const closed = page({}, { complete: gone });
  closed.send();
  assert.equal(await closed.rest(), "ended");
  for (const { ends, kept, uploader } of [refused, late, closed]) {
    assert.deepEqual([ends.map(({ fault }) => fault), kept(), uploader.items], [["unbundled"], [], []]);
  }
});

test("a title that is changed meanwhile reaches the bundle, whenever that is opened", async () => {
  const { send, rest, bundle, asked } = page({ put: slowPut });
  bundle.edit({ title: "A" });
  send();
  await rest((time) => {
    if (time === 1000) bundle.edit({ lifetime: 60 });
  });
  assert.deepEqual(
    asked.slice(0, 2).map(({ call, given }) => [call, given[0]]),
    [
      ["begin", { title: "A", downloads: 3, password: "geheim" }],
      ["change", { lifetime: 60 }],
    ],
  );
});

test("a bundle that a reload interrupted is completed with its last file, and stays open while one is missing", async () => {
  for (const missing of [0, 1]) {
    const entry = /** @type {BundleEntry} */ ({
      id: "b1",
      kind: "file",
      files: [["a.mp4", SIZE, 0], ...(missing ? [["z.mp4", SIZE, 0]] : []), ["b.mp4", SIZE, 0], ["c.mp4", SIZE, 0]],
      choices: { mark: "m" },
    });
    let released = 0;
    const made = page({}, {}, { entry, arrived: 1, release: () => released++ });
    made.send(made.files.slice(1));
    assert.equal(await made.rest(), missing ? "ended" : "ready");
    assert.deepEqual([made.what(), released], [missing ? [] : ["complete"], 1]);
    assert.deepEqual([made.bundle.card.kept, made.kept().length], [{ mark: "m" }, missing]);
  }
});
