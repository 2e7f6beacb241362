// Warns owners two minutes before an upload of theirs expires: above the page, and in the title of its tab.

import { message } from "./messages.js";

const place = document.querySelector("#warnings");
/** @type {Set<string>} the ids of uploads whose warning was closed */
const closed = new Set();
// The title may be another script's too, so what is before it goes by its text.
let before = "";

/**
 * Show a warning for each of these uploads and for no other. Call it again and again.
 *
 * @param {HTMLElement[]} uploads
 */
export function warn(uploads) {
  const left = uploads.filter(({ id }) => !closed.has(id));
  for (const shown of place?.children ?? []) {
    if (!left.some(({ id }) => shown.id === `warning-${id}`)) shown.remove();
  }
  for (const upload of left) {
    if (!document.getElementById(`warning-${upload.id}`)) place?.append(warningOf(upload));
  }
  const bare = before && document.title.startsWith(before) ? document.title.slice(before.length) : document.title;
  const now = left.length ? `${words()} · ` : "";
  if (document.title !== now + bare) document.title = now + bare;
  before = now || before;
}

function words() {
  const list = document.querySelector("#uploads");
  return list instanceof HTMLElement ? list.dataset.soon : "";
}

/** @param {HTMLElement} upload */
function warningOf(upload) {
  const name = upload.querySelector("h3")?.textContent?.trim();
  const warning = message(`${name} · ${words()}`, "warning", () => closed.add(upload.id));
  warning.id = `warning-${upload.id}`;
  const keep = upload.querySelector("[id^=keep-]");
  const button = document.createElement("button");
  button.textContent = keep?.textContent ?? "";
  button.addEventListener("click", () => document.getElementById(keep?.id ?? "")?.click());
  warning.lastElementChild?.before(button);
  return warning;
}
