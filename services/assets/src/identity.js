// Whether a file that somebody chooses is the one whose transfer was interrupted.

const SAMPLE = 8 * 1024 * 1024; // a part's usual size; two of them are all that is in memory

/**
 * A text that is the same only for the same file: name, size, time of change, and SHA-256 of its first and last part.
 *
 * null where the browser offers no SHA-256, on plain HTTP from another machine: there a transfer is not resumed after a
 * reload, rather than resumed with other bytes.
 */
export async function identityOf(file) {
  if (!globalThis.crypto?.subtle) return null;
  const first = await sha256(file.slice(0, SAMPLE));
  const last = await sha256(file.slice(-SAMPLE));
  return JSON.stringify([...traits(file), first, last]);
}

/** What can be told without reading: enough to say that a file looks like an interrupted one, not that it is. */
export function traits(file) {
  return [file.name, file.size, file.lastModified];
}

async function sha256(blob) {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
