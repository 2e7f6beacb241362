import assert from "node:assert/strict";
import { test } from "node:test";

import { identityOf, isSame } from "../../services/assets/src/identity.js";

const MiB = 1024 * 1024;

/** @param {{ name?: string, size?: number, changed?: number, at?: number[] }} given `at`: which bytes are set */
function film({ name = "film.mp4", size = 20 * MiB, changed = 1000, at = [] } = {}) {
  const content = new Uint8Array(size);
  for (const position of at) content[position] = 1;
  return new File([content], name, { lastModified: changed });
}

test("a file chosen again has the same identity", async () => {
  assert.equal(await identityOf(film()), await identityOf(film()));
});

for (const [what, other] of Object.entries({
  "another name": film({ name: "other.mp4" }),
  "another size": film({ size: 20 * MiB + 1 }),
  "another time of change": film({ changed: 1001 }),
  "another byte in the first part": film({ at: [0] }),
  "another byte in the last part": film({ at: [20 * MiB - 1] }),
})) {
  test(`${what} makes it another file`, async () => {
    assert.notEqual(await identityOf(film()), await identityOf(other));
  });
}

test("only the first and the last part are read", async () => {
  const file = film({ size: 40 * MiB });
  /** @type {number[]} */
  const read = [];
  const slice = file.slice.bind(file);
  file.slice = (...range) => {
    read.push(slice(...range).size);
    return slice(...range);
  };
  await identityOf(file);
  assert.deepEqual(read, [8 * MiB, 8 * MiB]);
});

test("files of one name, size and time are the same only if all of their bytes are", async () => {
  const film = (/** @type {Uint8Array<ArrayBuffer>} */ bytes, name = "film.mp4") =>
    new File([bytes], name, { lastModified: 1 });
  const bytes = new Uint8Array(20 * 1024 * 1024);
  const other = bytes.slice();
  other[10 * 1024 * 1024] = 1; // beyond what an identity samples
  assert.equal(await isSame(film(bytes), film(bytes.slice())), true);
  assert.equal(await isSame(film(bytes), film(other)), false);
  assert.equal(await isSame(film(bytes), film(bytes, "other.mp4")), false);
  const unreadable = Object.assign(film(bytes), { slice: () => ({ arrayBuffer: () => Promise.reject(new Error()) }) });
  assert.equal(await isSame(film(bytes), unreadable), false);
});
