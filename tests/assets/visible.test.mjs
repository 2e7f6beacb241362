import assert from "node:assert/strict";
import { test } from "node:test";

import { visible } from "../../services/assets/src/visible.js";

test("a name loses what lets it look like another one", () => {
  assert.equal(visible("photo\u202egpj.exe"), "photogpj.exe");
  assert.equal(visible("a\u200e\u2066b\u2069\u200bc\ufeff.txt"), "abc.txt");
  assert.equal(visible("\u{e0061}a\u2800\u3164.txt"), "a.txt");
  assert.equal(visible("a.\u200dexe\u200c"), "a.exe");
});

test("what breaks a line becomes an underscore", () => {
  assert.equal(visible("a\r\nb\u2028c\u0000"), "a__b_c_");
});

test("joiners and selectors stay where a script or an emoji needs them", () => {
  for (const name of ["می\u200cخواهم.txt", "क्\u200dष.txt", "👩\u200d💻.png", "❤\ufe0f.png", "1\ufe0f\u20e3.png"]) {
    assert.equal(visible(name), name);
  }
  assert.equal(visible("a\ufe0f\u200db"), "ab");
});
