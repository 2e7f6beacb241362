import assert from "node:assert/strict";
import { test } from "node:test";

import { Choosing } from "../../services/assets/src/choosing.js";

/** @import { Item } from "../../services/assets/src/uploader.js" */

const PNG = "\u0089PNG\r\n\u001a\n";

/**
 * @param {string} name
 * @param {string} content
 * @param {string} type
 */
function file(name, content = name, type = "") {
  const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
  return new File([bytes], name, { type, lastModified: 0 });
}

const image = (/** @type {string} */ name) => file(name, PNG + name, "image/png");

/**
 * A choice on My Images, and what comes of it.
 *
 * @param {object} given
 * @param {() => Promise<any[]>} [given.list]
 * @param {string[]} [given.underway]
 * @param {string} [given.interrupted] the name of a file whose transfer a reload interrupted
 * @param {(files: File[]) => object} [given.claim] which bundles go on with these files
 */
function page({ list = async () => [], underway = [], interrupted = "", claim = () => ({}) } = {}) {
  const items = underway.map((name) => ({
    id: name,
    name,
    kind: "image",
    file: image(name),
    is: { state: "sending" },
  }));
  /** @type {any[]} */
  const sent = [];
  /** @type {any[]} */
  const faults = [];
  /** @type {Record<string, string>} */
  const notices = {};
  /** @type {string[]} */
  const cancelled = [];
  /** @type {File[][]} */
  const again = [];
  /** @type {any[]} */
  const bundles = [];
  const choosing = new Choosing({
    settings: /** @type {any} */ ({ most: { image: 100, file: 1000 }, kept: 3, types: ["image/png"] }),
    api: { list },
    uploader: /** @type {any} */ ({
      items,
      send: (
        /** @type {File} */ { name },
        /** @type {string} */ kind,
        /** @type {any} */ fields,
        /** @type {any} */ more,
      ) => sent.push({ name, kind, ...fields, ...more.choices, ...(more.bundle && { bundle: more.bundle.number }) }),
      cancel: (/** @type {Item} */ { name }) => cancelled.push(name),
    }),
    messages: /** @type {any} */ ({
      fault: (/** @type {any} */ fault) => faults.push(fault),
      forgive() {},
      notice(/** @type {string} */ key, /** @type {string} */ text) {
        notices[key] = text;
      },
    }),
    say: (fault) => fault,
    names: (names) => names.join("+"),
    again: (files) => again.push(files),
    interrupted: {
      has: ({ name }) => name === interrupted,
      claim: async (files) => ({ groups: [], arrived: [], rest: files, ...claim(files) }),
    },
    bundle: ({ files, resumed }, kind, { fields, choices }) => {
      bundles.push({ files: files.map(({ name }) => name), kind, resumed, ...fields, ...choices });
      return /** @type {any} */ ({ number: bundles.length });
    },
  });
  return { choosing, sent, faults, notices, cancelled, again, bundles };
}

/**
 * @param {object} fields
 * @param {object} choices
 */
const wish = (fields = {}, choices = {}, together = false) => ({ fields, choices, kept: {}, together });

const named = (/** @type {any[]} */ all) => all.map(({ name }) => name);

test("files are sent in the order in which they were chosen, with the fields of their own choice", async () => {
  const { choosing, sent } = page();
  await Promise.all([
    choosing.take([image("a.png")], "image", wish({ title: "A" })),
    choosing.take([file("b.txt")], "file", wish()),
  ]);
  assert.deepEqual(sent, [
    { name: "a.png", kind: "image", title: "A" },
    { name: "b.txt", kind: "file" },
  ]);
});

test("a refused image can be sent as a file, unless it is too large for one", async () => {
  const { choosing, sent, faults, again } = page();
  const files = [
    file("a.pdf"),
    file("b.png", "x".repeat(200), "image/png"),
    file("c.png", "x".repeat(2000), "image/png"),
  ];
  assert.equal(await choosing.take(files, "image", wish()), false);
  assert.deepEqual([named(faults), sent], [["a.pdf", "b.png", "c.png"], []]);
  assert.deepEqual(
    faults.map(({ text, solution }) => [text(1), Boolean(solution)]),
    [
      ["notImage", true],
      ["tooLarge", true],
      ["tooLarge", false],
    ],
  );
  faults[0].solution.solve([faults[0].file]);
  assert.deepEqual(again.map(named), [["a.pdf"]]);
});

test("the same bytes are sent once, whether chosen together or already under way", async () => {
  const { choosing, sent, faults } = page({ underway: ["a.png"] });
  await choosing.take([image("a.png"), image("b.png"), image("b.png")], "image", wish());
  assert.deepEqual([named(sent), named(faults)], [["b.png"], ["a.png", "b.png"]]);
});

test("images that do not fit are named, and those under way are stopped", async () => {
  const here = [
    { id: "1", name: "new.png", title: "" },
    { id: "2", name: "old.png", title: "Old" },
  ];
  const { choosing, sent, notices, cancelled } = page({ list: async () => here, underway: ["a.png", "b.png"] });
  await choosing.take(["c.png", "d.png"].map(image), "image", wish());
  assert.deepEqual([named(sent), cancelled], [["c.png", "d.png"], ["a.png"]]);
  assert.deepEqual(notices, {
    left: "3 images fit. Left out: a.png.",
    deleted: "Deleted once the upload is complete: Old+new.png.",
  });
});

test("images are sent even if the list of those that are here does not come", async () => {
  const { choosing, sent } = page({ list: () => Promise.reject(new Error("offline")) });
  assert.equal(await choosing.take([image("a.png")], "image", wish()), true);
  assert.deepEqual(named(sent), ["a.png"]);
});

test("files that are chosen together share one link, unless the visitor wants one for each", async () => {
  const { choosing, sent, bundles } = page();
  const files = [file("a.txt"), file("b.txt")];
  await choosing.take(files, "file", wish({ title: "T" }, { downloads: 3, password: "p" }, true));
  assert.deepEqual(bundles, [
    { files: ["a.txt", "b.txt"], kind: "file", resumed: undefined, title: "T", downloads: 3, password: "p" },
  ]);
  assert.deepEqual(sent, [
    { name: "a.txt", kind: "file", bundle: 1 },
    { name: "b.txt", kind: "file", bundle: 1 },
  ]);
  await choosing.take(files, "file", wish({}, { downloads: 3 }));
  await choosing.take([file("c.txt")], "file", wish({}, { downloads: 1 }, true));
  assert.deepEqual(sent.slice(2), [
    { name: "a.txt", kind: "file", downloads: 3 },
    { name: "b.txt", kind: "file", downloads: 3 },
    { name: "c.txt", kind: "file", downloads: 1 },
  ]);
  assert.equal(bundles.length, 1);
});

test("a bundle of images counts as one, and each of them keeps its details if the visitor wants that", async () => {
  const here = [1, 2, 3].map((number) => ({ id: `${number}`, bundle: "b", name: `${number}.png`, title: "" }));
  const { choosing, sent, bundles, notices } = page({ list: async () => here, underway: ["x.png"] });
  const names = ["a.png", "b.png", "c.png", "d.png"];
  await choosing.take(names.map(image), "image", wish({}, { metadata: "keep" }, true));
  assert.deepEqual(bundles[0].files, names);
  assert.deepEqual(
    sent.map(({ name, metadata, bundle }) => [name, metadata, bundle]),
    names.map((name) => [name, "keep", 1]),
  );
  assert.deepEqual(notices, { left: "", deleted: "" });
});

test("files that a reload interrupted go on as they began, whatever is chosen with them", async () => {
  const resumed = { entry: { id: "b" }, arrived: 1, release() {} };
  const { choosing, sent, faults, bundles } = page({
    interrupted: "single.txt",
    claim: ([there, missing, ...rest]) => ({ groups: [{ files: [missing], resumed }], arrived: [there], rest }),
  });
  const files = ["there.txt", "missing.txt", "single.txt", "new.txt", "other.txt"].map((name) => file(name));
  await choosing.take(files, "file", wish({}, {}, true));
  assert.deepEqual(named(faults), ["there.txt"]);
  assert.deepEqual(
    sent.map(({ name, bundle }) => [name, bundle]),
    [
      ["missing.txt", 1],
      ["single.txt", undefined],
      ["new.txt", 2],
      ["other.txt", 2],
    ],
  );
  assert.equal(bundles[0].resumed, resumed);
});
