import assert from "node:assert/strict";
import { test } from "node:test";

import { Uppy } from "../../services/assets/node_modules/@uppy/core/lib/index.js";

import { Final } from "../../services/assets/src/faults.js";
import { Uploader } from "../../services/assets/src/uploader.js";
import { film, PART, pass, SIZE, slowPut, world } from "./world.mjs";

/** @import { Meta } from "../../services/assets/node_modules/@uppy/core/lib/index.js" */
/** @import { Body } from "../../services/assets/src/uploader.js" */
/** @import { Upload } from "../../services/assets/src/api.js" */
/** @import { Replaced } from "./world.mjs" */

/**
 * An Uppy with our uploader, in a world of its own.
 *
 * @param {Replaced & { takeFields?: () => Record<string, string> }} replaced
 */
function page({ takeFields = () => ({}), ...replaced } = {}) {
  const { seen, services } = world(replaced);
  /** @type {Uppy<Meta, Body>} */
  const uppy = new Uppy();
  /** @type {Upload[]} */
  const ready = [];
  /** @type {number[]} */
  const bar = [];
  uppy.use(Uploader, {
    takeFields,
    kind: "file",
    services: { ...services, network: /** @type {any} */ ({ ...services.network, watch() {} }) },
    changed() {},
    inWords: String,
    ready: (/** @type {Upload} */ upload) => ready.push(upload),
  });
  uppy.on("upload-progress", (file, { bytesUploaded }) => {
    if (file) bar.push(bytesUploaded || 0);
  });
  const uploader = /** @type {Uploader} */ (uppy.getPlugin("MayflyUploader"));
  const add = (name = "film.mp4") => uppy.addFile({ name, data: film() });
  return { seen, uppy, uploader, ready, bar, add };
}

/** A `put` that hands over half of a part within a second, and takes two. */
async function halfway(/** @type {import("./world.mjs").Attempt} */ attempt) {
  setTimeout(() => attempt.moved(PART / 2), 1000);
  return slowPut(attempt);
}

/** @param {number[]} numbers */
const rises = (numbers) => numbers.every((number, index) => index === 0 || number >= (numbers[index - 1] ?? 0));

test("the bar keeps its place while lost parts travel again, and the page can say so", async () => {
  const { uppy, uploader, bar, add } = page({ put: halfway });
  add();
  /** @type {boolean[]} */
  const again = [];
  await pass(uppy.upload(), {
    each: (time) => {
      if (time === 4500) uppy.pauseAll();
      if (time === 6000) uppy.resumeAll();
      again.push(uploader.progress.again);
    },
  });
  assert.ok(bar.length > 5);
  assert.ok(rises(bar), String(bar));
  assert.deepEqual([again[4], again[20], again.at(-1)], [false, true, false]);
});

test("parts that storage had already are not counted as sent", async () => {
  const { seen, uppy, uploader, add } = page({ entries: [{ id: "before" }], put: halfway });
  for (let number = 1; number <= 7; number++) seen.stored.add(number);
  add();
  /** @type {number[]} */
  const left = [];
  await pass(uppy.upload(), { each: () => left.push(uploader.progress.left) && undefined });
  assert.equal(uploader.progress.sent, SIZE - 7 * PART);
  assert.ok(left.includes(SIZE - 7 * PART) && !left.includes(SIZE - 6 * PART));
});

test("files that wait for their turn count as what remains", async () => {
  const { uppy, uploader, add } = page({ put: slowPut });
  for (let number = 0; number < 6; number++) add(`${number}.mp4`);
  /** @type {number[]} */
  const left = [];
  await pass(uppy.upload(), { each: () => left.push(uploader.progress.left) && undefined });
  assert.equal(left[0], 6 * SIZE);
  assert.deepEqual(uploader.progress, { sent: 6 * SIZE, left: 0, again: false });
});

test("the files that begin together share the fields, which are taken once", async () => {
  const titles = ["first", "second", "third"];
  /** @type {any[]} */
  const begun = [];
  const { uppy, add } = page({
    takeFields: () => ({ title: titles.shift() ?? "" }),
    api: {
      begin: (begin) => async (wish) => {
        begun.push(wish.title);
        if (begun.length === 6) throw new Final({ message: "no" });
        return begin(wish);
      },
    },
  });
  for (let number = 0; number < 6; number++) add(`${number}.mp4`);
  await pass(uppy.upload());
  await pass(uppy.retryAll());
  uppy.removeFiles(uppy.getFiles().map(({ id }) => id));
  add("6.mp4");
  await pass(uppy.upload());
  assert.deepEqual(begun, [...Array(7).fill("first"), "second"]);
  assert.deepEqual(titles, ["third"]);
});
