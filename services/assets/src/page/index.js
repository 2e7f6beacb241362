// The behaviour that every page has beyond plain HTML. Without it all of them still work.

import htmx from "htmx.org";
import { follow } from "./clock.js";
import "./connection.js";
import { present } from "./focus.js";
import { estimateDownloads } from "./line.js";
import { offer } from "./links.js";
import { readList, tellTabs } from "./list.js";
import { closable, sayBroken } from "./messages.js";
import { showLocalTimes } from "./times.js";
import { warn } from "./warning.js";
import "./worker.js";

/** Ask the server again; a share page becomes the receipt. */
function refresh() {
  if (!readList()) location.reload();
}

follow({ over: refresh, soon: warn });
htmx.onLoad(offer);
htmx.onLoad(closable);
htmx.onLoad(showLocalTimes);
htmx.onLoad(estimateDownloads);

// A page that could not be had loads itself again.
const again = document.querySelector("[data-again]");
if (again instanceof HTMLElement) setTimeout(() => location.reload(), Number(again.dataset.again) * 1000);

// A picture asks for itself until its preview is there. If an answer lacks the element that was to be changed, the image
// was refused or has expired meanwhile, and the list shows it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  if (detail.xhr.responseText.includes(`id="${detail.target.id}"`)) return;
  detail.shouldSwap = false;
  readList();
});

document.addEventListener("mayfly:ready", (event) => {
  event.preventDefault(); // else the uploader loads the whole page again
  // Faults of other files come first: the focus would take them out of sight.
  if (!document.querySelector(".upload-faults li:not(.notice)")) present(/** @type {CustomEvent} */ (event).detail.id);
  readList("first");
  tellTabs();
});
// Back from the browser's history: the uploads on the page may have expired.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) refresh();
});

for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (detail.requestConfig.verb === "get") return; // asks again by itself, or the page says that it is offline
    document.querySelector("dialog")?.close(); // it would cover the message
    sayBroken();
  });
}
