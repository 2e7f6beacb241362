// Whether a file that a visitor chooses is one that was chosen before: in this page, or for a transfer that was interrupted.

const SAMPLE = 8 * 1024 * 1024; // a part's usual size; memory holds two of them at most

/**
 * A text that is the same only for the same file: name, size, time of change, and SHA-256 of its first and last part.
 *
 * null if the browser offers no SHA-256, as on plain HTTP from another machine: a transfer is then not resumed after a
 * reload, because it might continue with other bytes.
 *
 * @param {File} file
 */
export async function identityOf(file) {
  if (!globalThis.crypto?.subtle) return null;
  const first = await sha256(file.slice(0, SAMPLE));
  const last = await sha256(file.slice(-SAMPLE));
  return JSON.stringify([...traits(file), first, last]);
}

/**
 * Whether a file may be the one of an identity, without reading it.
 *
 * @param {string} identity
 * @param {File} file
 */
export function looksLike(identity, file) {
  const kept = JSON.parse(identity);
  return traits(file).every((trait, index) => kept[index] === trait);
}

/**
 * Whether two files have the same traits and the same bytes. Cameras, games and archives make files that differ in their
 * bytes alone, so all of them are compared, until the first difference. A file that cannot be read is like no other.
 *
 * @param {File} file
 * @param {File} other
 */
export async function isSame(file, other) {
  const kept = traits(other);
  if (!traits(file).every((trait, index) => kept[index] === trait)) return false;
  for (let start = 0; start < file.size; start += SAMPLE) {
    const slices = [file, other].map((whole) => whole.slice(start, start + SAMPLE).arrayBuffer());
    const [one, two] = await Promise.all(slices).catch(() => []);
    if (!one || !two || !equal(new Uint8Array(one), new Uint8Array(two))) return false;
  }
  return true;
}

/**
 * The file's name, which is part of its identity.
 *
 * @param {string} identity
 * @returns {string}
 */
export function nameIn(identity) {
  return JSON.parse(identity)[0];
}

/** @param {File} file */
function traits(file) {
  return [file.name, file.size, file.lastModified];
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} two
 */
function equal(one, two) {
  return one.length === two.length && one.every((byte, index) => byte === two[index]);
}

/** @param {Blob} blob */
async function sha256(blob) {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
