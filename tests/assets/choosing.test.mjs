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
 */
function page({ list = async () => [], underway = [] } = {}) {
  const items = underway.map((name) => ({ name, kind: "image", file: image(name), is: { state: "sending" } }));
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
  const choosing = new Choosing({
    settings: /** @type {any} */ ({ most: { image: 100, file: 1000 }, kept: 3, types: ["image/png"] }),
    api: { list },
    uploader: /** @type {any} */ ({
      items,
      send: (/** @type {File} */ { name }, /** @type {string} */ kind, /** @type {object} */ fields) =>
        sent.push({ name, kind, ...fields }),
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
  });
  return { choosing, sent, faults, notices, cancelled, again };
}

const named = (/** @type {any[]} */ all) => all.map(({ name }) => name);

test("files are sent in the order in which they were chosen, with the fields of their own choice", async () => {
  const { choosing, sent } = page();
  await Promise.all([
    choosing.take([image("a.png")], "image", { title: "A" }),
    choosing.take([file("b.txt")], "file", {}),
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
  assert.equal(await choosing.take(files, "image", {}), false);
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
  await choosing.take([image("a.png"), image("b.png"), image("b.png")], "image", {});
  assert.deepEqual([named(sent), named(faults)], [["b.png"], ["a.png", "b.png"]]);
});

test("images that do not fit are named, and those under way are stopped", async () => {
  const here = [
    { name: "new.png", title: "" },
    { name: "old.png", title: "Old" },
  ];
  const { choosing, sent, notices, cancelled } = page({ list: async () => here, underway: ["a.png", "b.png"] });
  await choosing.take(["c.png", "d.png"].map(image), "image", {});
  assert.deepEqual([named(sent), cancelled], [["c.png", "d.png"], ["a.png"]]);
  assert.deepEqual(notices, {
    left: "3 images fit. Left out: a.png.",
    deleted: "Deleted once the upload is complete: Old+new.png.",
  });
});

test("images are sent even if the list of those that are here does not come", async () => {
  const { choosing, sent } = page({ list: () => Promise.reject(new Error("offline")) });
  assert.equal(await choosing.take([image("a.png")], "image", {}), true);
  assert.deepEqual(named(sent), ["a.png"]);
});
