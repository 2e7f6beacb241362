import assert from "node:assert/strict";
import { test } from "node:test";

import { identityOf } from "../../services/assets/src/identity.js";

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
