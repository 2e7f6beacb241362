// The list of uploads on the page: reads it again, and keeps it as it is in the browser's other tabs.

import htmx from "htmx.org";

import { reader } from "./reading.js";

/** @import { Part } from "./reading.js" */

// It makes the requests, because no answer takes its place; htmx forgets what waits for an element that was replaced.
const frame = document.querySelector("#list");
const reading = reader(load);
const tabs = frame && "BroadcastChannel" in globalThis ? new BroadcastChannel("mayfly") : null;
let shown = false;
// A button that was swapped between press and release would get no click. The reader asks again after a read not shown.
let pressed = false;

/**
 * Read the list again, if this page has one. Returns whether it has.
 *
 * @param {Part} [part]
 */
export function readList(part) {
  if (frame) reading.ask(part);
  return frame !== null;
}

/** Let the other tabs that show this list read it again. */
export function tellTabs() {
  tabs?.postMessage(location.pathname);
}

/** @param {Part} part */
async function load(part) {
  const list = /** @type {HTMLElement} */ (document.querySelector("#uploads"));
  const { first = "", here = "" } = list.dataset;
  shown = false;
  const source = /** @type {Element} */ (frame);
  await htmx.ajax("get", part === "first" ? first : here, { source, target: "#uploads" }).catch(() => {});
  return shown;
}

if (frame) {
  document.addEventListener("pointerdown", () => (pressed = true), true);
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => setTimeout(() => (pressed = false)), true); // the click comes after it
  }
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (pressed && detail.requestConfig.elt === frame) detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const { target, requestConfig } = /** @type {CustomEvent} */ (event).detail;
    if (target?.id !== "uploads") return;
    if (requestConfig.elt === frame) shown = true;
    else if (reading.busy()) reading.ask(); // its answer may be the older
    if (requestConfig.verb !== "get") tellTabs();
  });
  tabs?.addEventListener("message", ({ data }) => {
    if (data === location.pathname) reading.ask();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") reading.ask();
  });
}
