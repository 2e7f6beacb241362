import assert from "node:assert/strict";
import { test } from "node:test";

import { disguised, objection } from "../../services/assets/src/checks.js";

const images = { most: 100, types: ["image/jpeg", "image/png"] };
const files = { most: 100, types: [] };

test("empty files, large files and non-images are refused before sending", () => {
  assert.equal(objection({ size: 0, type: "image/png" }, images), "empty");
  assert.equal(objection({ size: 101, type: "image/png" }, images), "tooLarge");
  assert.equal(objection({ size: 5, type: "image/tiff" }, images), "notImage");
  assert.equal(objection({ size: 5, type: "image/svg+xml" }, images), "notImage");
  assert.equal(objection({ size: 5, type: "image/heic" }, images), "heic");
  assert.equal(objection({ size: 100, type: "image/png" }, images), null);
});

test("the page for files refuses only empty and large files", () => {
  assert.equal(objection({ size: 5, type: "image/heic" }, files), null);
  assert.equal(objection({ size: 5, type: "text/html" }, files), null);
  assert.equal(objection({ size: 101, type: "" }, files), "tooLarge");
});

for (const [what, bytes, fault] of /** @type {const} */ ([
  ["JPEG", "\xff\xd8\xff\xe0....", null],
  ["PNG", "\x89PNG\r\n\x1a\n....", null],
  ["GIF", "GIF89a....", null],
  ["WebP", "RIFF\x01\x02\x03\x04WEBPVP8 ", null],
  ["AVIF", "\0\0\0\x20ftypavif", null],
  ["an AVIF sequence", "\0\0\0\x20ftypavis", null],
  ["AVIF of a general brand", "\0\0\0\x1cftypmif1\0\0\0\0avifmiafMA1B", null],
  ["AVIF of a general brand that names itself last", "\0\0\0\x24ftypmsf1\0\0\0\0mif1miafMA1Bmsf1avis", null],
  ["HEIC of a general brand", "\0\0\0\x18ftypmif1\0\0\0\0heicmif1", "heic"],
  ["HEIC with avif after its brands", "\0\0\0\x14ftypmif1\0\0\0\0heicavif", "heic"],
  ["HEIC under another name", "\0\0\0\x20ftypheic", "heic"],
  ["text under another name", "<svg onload=alert(1)>", "notImage"],
  ["a few bytes", "\xff", "notImage"],
])) {
  test(`the first bytes of ${what} decide`, async () => {
    const content = Uint8Array.from(bytes, (character) => character.charCodeAt(0));
    assert.equal(await disguised(new Blob([content])), fault);
  });
}
