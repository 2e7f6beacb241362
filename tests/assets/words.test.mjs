import assert from "node:assert/strict";
import { test } from "node:test";

import { bytesIn, wordsIn } from "../../services/assets/src/words.js";

const shape = (words, path = "") =>
  Object.entries(words)
    .flatMap(([key, value]) => (typeof value === "object" ? shape(value, `${path}${key}.`) : `${path}${key}`))
    .sort();

test("every word is there in every language, and is not English in the others", async () => {
  const [en, pt, es] = await Promise.all(["en", "pt-BR", "es"].map(async (lang) => (await wordsIn(lang)).own));
  assert.deepEqual(shape(pt), shape(en));
  assert.deepEqual(shape(es), shape(en));
  const values = { origin: "O", limit: "L", why: "storage", status: 1 };
  for (const word of Object.keys(en).filter(
    (word) => typeof en[word] === "function" && word !== "speed" && word !== "about",
  )) {
    const said = [en, pt, es].map((own) => own[word](values, 3));
    assert.ok(said[1] !== said[0] && said[2] !== said[0], word);
    assert.ok(
      said.every((text) => !text.includes("undefined")),
      word,
    );
  }
});

test("Uppy speaks the page's language too", async () => {
  assert.equal((await wordsIn("pt-br")).uppy.strings.cancel, "Cancelar");
  assert.equal((await wordsIn("pt")).uppy.strings.cancel, "Cancelar");
  assert.equal((await wordsIn("es-AR")).uppy.strings.back, "Atrás");
  assert.equal((await wordsIn("fr")).own.discard, "Discard");
});

test("sizes are said as the pages say them", () => {
  assert.deepEqual([12, 64_000_000, 4_096_000_000].map(bytesIn("en")), ["12 B", "64 MB", "4.1 GB"]);
  assert.equal(bytesIn("pt-BR")(4_096_000_000), "4,1 GB");
});
