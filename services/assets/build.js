// Builds what browsers load into the folder OUT: the scripts and their style, and words.json, the list of all texts in
// them that are to be translated. A text that counts is a pair of singular and plural there.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

// `t("…")`, `tn("…", "…", n)` and `pluralForms("…", "…")`, which words.js defines.
const LITERAL = String.raw`("(?:[^"\\\n]|\\.)*")`;
const CALL = new RegExp(String.raw`(?<![\w.#])(t|tn|pluralForms)\(\s*(?:${LITERAL}(?:,\s*${LITERAL})?)?`, "g");

const out = process.env.OUT ?? "../app/mayfly/pages/static/mayfly/bundle";

/** @type {import("esbuild").BuildOptions} */
const common = {
  bundle: true,
  minify: true,
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
  outdir: out,
};
await build({
  ...common,
  entryPoints: { admin: "src/admin/index.js", page: "src/page/index.js", upload: "src/main.js" },
  format: "esm",
});
await build({ ...common, entryPoints: { worker: "src/worker/index.js" }, format: "iife" });
writeFileSync(join(out, "words.json"), `${JSON.stringify(texts("src"), null, 1)}\n`);

/**
 * Every text that a script below `folder` translates, once.
 *
 * @param {string} folder
 * @returns {(string | string[])[]}
 */
function texts(folder) {
  /** @type {Map<string, string | string[]>} */
  const found = new Map();
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (!file.endsWith(".js") || file === "words.js") continue;
    for (const [call, name, first, second] of readFileSync(join(folder, file), "utf8").matchAll(CALL)) {
      if (!first || (name !== "t" && !second)) throw new Error(`${file}: ${call}… needs its text as a literal`);
      const one = JSON.parse(first);
      found.set(one, name === "t" ? one : [one, JSON.parse(second)]);
    }
  }
  return [...found.values()];
}
