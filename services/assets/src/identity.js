// Whether a file that a visitor chooses is the one whose transfer was interrupted.

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

/** @param {Blob} blob */
async function sha256(blob) {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
