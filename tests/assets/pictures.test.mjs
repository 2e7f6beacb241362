// The browser's own check lets the same pictures pass as the server's: those of tests/app/pictures.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { disguised } from "../../services/assets/src/checks.js";

const lines = readFileSync(new URL("pictures.txt", import.meta.url), "utf8")
  .trim()
  .split("\n");

test("there are pictures of every sort", () => {
  assert.ok(lines.length >= 80);
});

for (const line of lines) {
  const [head, fault, name] = line.split("\t");
  test(`the browser decides as the server does: ${name}`, async () => {
    assert.equal(await disguised(new Blob([Buffer.from(head, "hex")])), fault || null);
  });
}
