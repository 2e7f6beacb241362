// What every page does beyond plain HTML. Without it all of them still work.

import htmx from "htmx.org";
import { follow } from "./clock.js";
import { offer } from "./links.js";
import "./connection.js";

const refresh = () => htmx.trigger("#uploads", "refresh");

follow({
  // An upload's time is over: the list asks the server, a share page becomes the receipt.
  over: () => (document.querySelector("#uploads") ? refresh() : location.reload()),
});
htmx.onLoad(offer);

// A picture asks for itself until its preview is there. Where an answer does not have what was to be changed, it was
// refused meanwhile, or has gone: the list tells.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, xhr } = event.detail;
  if (xhr.responseText.includes(`id="${target.id}"`)) return;
  event.detail.shouldSwap = false;
  refresh();
});

document.addEventListener("mayfly:ready", (event) => {
  event.preventDefault(); // else the uploader loads the whole page again
  refresh();
});
// Back from the browser's history: what the page shows may be gone.
addEventListener(
  "pageshow",
  (event) => event.persisted && (document.querySelector("#uploads") ? refresh() : location.reload()),
);

for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, (event) => {
    if (event.detail.requestConfig.verb === "get") return; // asked for again by itself, or told as offline
    const messages = document.querySelector("#messages");
    messages.innerHTML = '<p class="message error"></p>';
    messages.firstChild.textContent = messages.dataset.broken;
  });
}
