// Checks of a file before the browser sends a byte of it. The server decides in the end.

/** @import { Fault } from "./sentences.js" */

const GIF = /^GIF8[79]a/;
// The brands of ISO media files. The general ones may come first in files of any codec.
const AVIF = /^avi[fs]$/;
const GENERAL = /^m[is]f1$/;
const HEIC = /^(heic|heix|hevc)$/;
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
  const bytes = new Uint8Array(await file.slice(0, 64).arrayBuffer());
  const text = String.fromCharCode(...bytes);
  const [major, ...others] = brands(text);
  if (HEIC.test(major)) return "heic";
  if ([major, ...others].some((brand) => AVIF.test(brand))) return null;
  if (GENERAL.test(major)) return "heic";
  return isImage(text) ? null : "notImage";
}

/**
 * The brands of an ISO media file, the major one first; an empty one for any other file.
 *
 * @param {string} text
 * @returns {[string, ...string[]]}
 */
function brands(text) {
  if (!text.startsWith("ftyp", 4)) return [""];
  const end = (text.charCodeAt(2) << 8) | text.charCodeAt(3); // a box of brands is far below 64 KiB
  return [text.slice(8, 12), ...(text.slice(16, end).match(/.{4}/gs) ?? [])];
}

/** @param {string} text */
function isImage(text) {
  return text.startsWith(JPEG) || text.startsWith(PNG) || GIF.test(text) || text.startsWith("WEBPVP", 8);
}
