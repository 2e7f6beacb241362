// Checks of a file before the browser sends a byte of it. The server decides in the end.

/** @import { Fault } from "./sentences.js" */

const HEIC = /^ftyp(heic|heix|mif1|msf1|hevc)/;
const GIF = /^GIF8[79]a/;
const AVIF = /^ftypavi[fs]/;
const JPEG = "\u00ff\u00d8\u00ff";
const PNG = "\u0089PNG\r\n\u001a\n";

/**
 * Why a file cannot be taken, or null.
 *
 * @param {{ size: number | null, type: string }} file
 * @param {{ most: number, types: string[] }} limits `most` in bytes; no `types` means any
 * @returns {Fault | null}
 */
export function objection({ size, type }, { most, types }) {
  if (!size) return "empty";
  if (type === "image/heic" || type === "image/heif") return types.length ? "heic" : null;
  if (types.length && type && !types.includes(type)) return "notImage";
  if (size > most) return "tooLarge";
  return null;
}

/**
 * As `objection`, for an image whose first bytes are not what its name says.
 *
 * @param {Blob} file
 * @returns {Promise<Fault | null>}
 */
export async function disguised(file) {
  const bytes = new Uint8Array(await file.slice(0, 32).arrayBuffer());
  const text = String.fromCharCode(...bytes);
  if (HEIC.test(text.slice(4))) return "heic";
  return isImage(text) ? null : "notImage";
}

/** @param {string} text */
function isImage(text) {
  return (
    text.startsWith(JPEG) ||
    text.startsWith(PNG) ||
    GIF.test(text) ||
    text.startsWith("WEBPVP", 8) ||
    AVIF.test(text.slice(4))
  );
}
