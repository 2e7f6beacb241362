// The choices that a visitor makes for their files: in words, on the way to the server, and in what the browser keeps.

import assert from "node:assert/strict";
import { test } from "node:test";

import { covers, inWords } from "../../services/assets/src/choices.js";
import { Gone } from "../../services/assets/src/faults.js";
import { pass, slowPut, world } from "./world.mjs";

/** @import { Replaced } from "./world.mjs" */

const PROTECTED = { downloads: 3, mark: "m1" };

test("only what differs from the usual is said of a choice", () => {
  assert.deepEqual(inWords({}), []);
  assert.deepEqual(inWords({ downloads: 1, mark: "m", metadata: "keep" }), [
    "password",
    "1 download",
    "photo details kept",
  ]);
});

test("an upload stands for another one only if it has all that is wanted", () => {
  for (const wanted of [{}, { downloads: 3 }, { mark: "m1" }, PROTECTED]) assert.ok(covers(PROTECTED, wanted));
  for (const wanted of [{ downloads: 1 }, { mark: "m2" }, { metadata: /** @type {const} */ ("keep") }]) {
    assert.ok(!covers(PROTECTED, wanted));
  }
});

/** @param {Replaced} replaced */
function wishes(replaced) {
  /** @type {any[]} */
  const begun = [];
  const made = world({
    ...replaced,
    api: {
      ...replaced.api,
      begin: (begin) => async (wish, key) => {
        begun.push(wish);
        return begin(wish, key);
      },
    },
  });
  return { ...made, begun };
}

test("the server gets the password, and the browser keeps its mark alone", async () => {
  /** @type {string[]} */
  const kept = [];
  const { services, transfer, begun } = wishes({
    put: slowPut,
    wanted: { choices: { downloads: 3, password: "geheim" }, kept: PROTECTED },
  });
  const { keep } = services.store;
  services.store.keep = (entry) => {
    kept.push(JSON.stringify(entry));
    keep(entry);
  };
  await pass(transfer.run());
  assert.deepEqual([begun[0].downloads, begun[0].password, begun[0].mark], [3, "geheim", undefined]);
  assert.ok(kept.length && kept.every((entry) => entry.includes('"mark":"m1"') && !entry.includes("geheim")));
});

for (const { name, wanted, resumes } of [
  { name: "the same choices", wanted: PROTECTED, resumes: true },
  { name: "no choices", wanted: {}, resumes: true },
  { name: "another password", wanted: { ...PROTECTED, mark: "m2" }, resumes: false },
]) {
  test(`an interrupted transfer ${resumes ? "goes on" : "does not go on"} with ${name}`, async () => {
    const { seen, transfer, begun } = wishes({
      entries: [{ id: "before", choices: PROTECTED }],
      wanted: { kept: wanted },
    });
    const { value } = await pass(transfer.run());
    assert.deepEqual([value.id, begun.length], resumes ? ["before", 0] : ["upload1", 1]);
    assert.deepEqual(seen.reported.findLast(({ kept }) => kept).kept, resumes ? PROTECTED : wanted);
  });
}

test("a protected transfer that is gone does not begin anew without its password", async () => {
  const { transfer, begun } = wishes({
    entries: [{ id: "before", choices: PROTECTED }],
    api: {
      sign: () => async () => {
        throw new Gone();
      },
    },
  });
  const { error } = await pass(transfer.run());
  assert.deepEqual([error.fault, begun], ["late", []]);
});

test("a transfer of one bundle is not continued in another one", async () => {
  const bundle = { id: "", open: async () => "b2" };
  const { transfer, begun } = wishes({
    entries: [{ id: "before", bundle: "b1" }, { id: "alone" }],
    wanted: { bundle },
  });
  const { value } = await pass(transfer.run());
  assert.deepEqual([value.id, begun[0].bundle], ["upload1", "b2"]);
  const again = wishes({ entries: [{ id: "before", bundle: "b1" }], wanted: { bundle: { ...bundle, id: "b1" } } });
  assert.equal((await pass(again.transfer.run())).value.id, "before");
});
