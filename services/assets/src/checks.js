// What can be said about a file before a byte of it is sent. The server has the last word on all of it.

const HEIC = /^ftyp(heic|heix|mif1|msf1|hevc)/;
const IMAGE = /^(\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|[^]{8}WEBPVP|[^]{4}ftypavi[fs])/;

/** Why this file cannot be taken: the name of our word for it, or null. `types` are what a page takes; none is any. */
export function objection({ size, type }, { most, types }) {
  if (!size) return "empty";
  if (type === "image/heic" || type === "image/heif") return types.length ? "heic" : null;
  if (types.length && type && !types.includes(type)) return "notImage";
  if (size > most) return "tooLarge";
  return null;
}

/** As `objection`, for an image whose first bytes are not what its name says. */
export async function disguised(file) {
  const bytes = new Uint8Array(await file.slice(0, 32).arrayBuffer());
  const text = String.fromCharCode(...bytes);
  if (HEIC.test(text.slice(4))) return "heic";
  return IMAGE.test(text) ? null : "notImage";
}
