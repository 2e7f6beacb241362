import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const BUNDLE = new URL("../../services/app/mayfly/pages/static/mayfly/bundle/", import.meta.url);
const all = readdirSync(BUNDLE).filter((name) => /\.(js|css)$/.test(name));
// The two upload pages load these, and page.js as every page does. htmx, in page.js, has its eval switched off.
const files = all.filter((name) => name !== "page.js" && name !== "worker.js");
const text = (/** @type {string} */ name) => readFileSync(new URL(name, BUNDLE), "utf8");

test("script and style of the upload pages are at most 30 kB", (t) => {
  const sizes = files.map((name) => gzipSync(text(name), { level: 9 }).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  t.diagnostic(
    files
      .map((name, index) => `${name} ${sizes[index]}`)
      .concat(`total ${total}`)
      .join(", "),
  );
  assert.ok(files.includes("upload.js") && files.includes("upload.css"));
  assert.ok(total > 10_000 && total <= 30_000, `${total} bytes`);
});

test("the script of every page is at most 25 kB", () => {
  const size = gzipSync(text("page.js"), { level: 9 }).length;
  assert.ok(size > 1000 && size <= 25_000, `${size} bytes`);
});

test("the service worker is at most 2 kB", () => {
  const size = gzipSync(text("worker.js"), { level: 9 }).length;
  assert.ok(size > 500 && size <= 2000, `${size} bytes`);
});

test("the script makes no code from text and no style sheet", () => {
  for (const name of files.filter((name) => name.endsWith(".js"))) {
    assert.doesNotMatch(text(name), /\beval\(|new Function\(|createElement\(["'`]style["'`]\)|insertRule\(/, name);
  }
});
