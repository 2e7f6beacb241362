import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { causes, faults, sentence } from "../../services/assets/src/sentences.js";
import { bytesIn, formatsIn, formOf, pluralForms, t, timeIn, tn } from "../../services/assets/src/words.js";

/** @import { Fault } from "../../services/assets/src/sentences.js" */
/** @import { Words } from "../../services/assets/src/words.js" */

const BUNDLE = new URL("../../services/app/mayfly/pages/static/mayfly/bundle/", import.meta.url);
/** @type {(string | string[])[]} */
const listed = JSON.parse(readFileSync(new URL("words.json", BUNDLE), "utf8"));

let pages = 0;

/**
 * The module as a page with these words loads it.
 *
 * @param {Words} words
 * @returns {Promise<typeof import("../../services/assets/src/words.js")>}
 */
async function pageWith(words) {
  pages++;
  Object.assign(globalThis, { document: { getElementById: () => ({ textContent: JSON.stringify(words) }) } });
  try {
    return await import(`../../services/assets/src/words.js?page=${pages}`);
  } finally {
    Reflect.deleteProperty(globalThis, "document");
  }
}

test("a page without words shows English, with the values in their places", () => {
  assert.equal(t("Discard {name}", { name: "a.png" }), "Discard a.png");
  assert.equal(t("{a} and {b}", { a: 1 }), "1 and {b}");
  assert.deepEqual(
    [0, 1, 2].map((n) => tn("{n} image", "{n} images", n)),
    ["0 images", "1 image", "2 images"],
  );
});

test("a value is text, and names no further place", () => {
  assert.equal(t("{name}: {text}", { name: "{text}$&", text: "b" }), "{text}$&: b");
});

test("a page with words shows its language, and English for the rest", async () => {
  const page = await pageWith({
    plural: "01".padEnd(200, "0"),
    texts: { "Discard {name}": "Descartar {name}", "{n} image": ["{n} imágenes", "{n} imagen"] },
  });
  assert.equal(page.t("Discard {name}", { name: "a.png" }), "Descartar a.png");
  assert.equal(page.t("Cancel"), "Cancel");
  assert.deepEqual(
    [0, 1, 2, 101].map((n) => page.tn("{n} image", "{n} images", n)),
    ["0 imágenes", "1 imagen", "2 imágenes", "101 imágenes"],
  );
  assert.deepEqual(
    [0, 1, 2].map((n) => page.tn("{n} file", "{n} files", n)),
    ["0 files", "1 file", "2 files"],
  );
});

test("a language with three plural forms has each number in its own", async () => {
  const polish = (/** @type {number} */ n) =>
    n === 1 ? 0 : n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 10 || n % 100 >= 20) ? 1 : 2;
  const plural = Array.from({ length: 200 }, (_, n) => polish(n)).join("");
  const page = await pageWith({ plural, texts: { "{n} file": ["{n} plik", "{n} pliki", "{n} plików"] } });
  for (const [n, text] of /** @type {const} */ ([
    [1, "1 plik"],
    [3, "3 pliki"],
    [12, "12 plików"],
    [22, "22 pliki"],
    [1001, "1001 plików"],
    [1002, "1002 pliki"],
  ])) {
    assert.equal(page.tn("{n} file", "{n} files", n), text);
  }
  assert.deepEqual(page.pluralForms("{n} image", "{n} images").slice(0, 3), ["{n} image", "{n} images", "{n} images"]);
});

test("every fault and every cause is a sentence of its own", () => {
  const texts = [
    ...faults.flatMap((fault) => [
      ...new Set([1, 2].map((n) => sentence(fault, { n, origin: "O", limit: "L", status: 1 }))),
    ]),
    ...Object.values(causes).map((cause) => cause()),
  ];
  assert.ok(texts.every((text) => text.length > 10 && !/undefined|[{}]/.test(text)));
  assert.equal(new Set(texts).size, texts.length);
});

test("the list in the bundle has every text that the script shows", () => {
  const texts = new Set(listed.flat());
  for (const cause of Object.values(causes)) assert.ok(texts.has(cause()));
  for (const fault of /** @type {Fault[]} */ (["empty", "notImage", "heic", "gone", "stale"])) {
    for (const n of [1, 2]) assert.ok(texts.has(sentence(fault, { n })), fault);
  }
  assert.deepEqual(
    listed.find((text) => Array.isArray(text) && text[0].startsWith("One image")),
    ["One image fits. Left out: {names}.", "{n} images fit. Left out: {names}."],
  );
  assert.equal(pluralForms("a", "b")[formOf(1)], "a");
});

test("sizes read as the pages write them", () => {
  assert.deepEqual([12, 64_000_000, 4_096_000_000].map(bytesIn("en")), ["12\u00a0bytes", "64\u00a0MB", "4.1\u00a0GB"]);
  assert.equal(bytesIn("pt-BR")(4_096_000_000), "4,1\u00a0GB");
});

test("a share reads as its language writes it, in one piece and never rounded up to all", () => {
  assert.equal(formatsIn("en").percent(0.439), "43%");
  assert.equal(formatsIn("es").percent(0.9999), "99\u00a0%");
});

test("a text that counts takes other values too", () => {
  assert.equal(tn("One fits, not {names}", "{n} fit, not {names}", 3, { names: "{n}" }), "3 fit, not {n}");
});

test("an estimate is rounded up to steps that can be read", () => {
  const inEnglish = timeIn("en");
  assert.deepEqual([0, 1, 9.2, 31, 55, 56, 61, 3000, 5000].map(inEnglish), [
    "1 sec",
    "1 sec",
    "10 sec",
    "35 sec",
    "55 sec",
    "1 min",
    "2 min",
    "50 min",
    "1.4 hr",
  ]);
  assert.equal(timeIn("pt-BR")(5000), "1,4 h");
});
