// Where the keyboard is when the list changes: on the link of an upload that has just turned ready, on the card after one
// that went, and in the dialog that asks before all go.

const frame = document.querySelector("#list");
/** @type {string} the id of the upload or bundle whose card is to be presented once the list has it */
let awaited = "";
/** @type {Element | null} what a presentation has put the focus on */
let presented = null;
/** @type {string[] | null} the ids of the cards that the focus may go to, if its own card goes */
let next = null;
let asking = "";

/**
 * Let the owner's next step be to pass on the link of this upload or bundle, once the list shows it.
 *
 * @param {string} id
 */
export function present(id) {
  awaited = id;
}

/** @param {Event} event */
function change(event) {
  const { target, requestConfig } = /** @type {CustomEvent} */ (event).detail;
  if (target?.id !== "uploads") return;
  asking = requestConfig.verb === "get" ? (target.querySelector("dialog[open]")?.id ?? "") : "";
  const held = target.contains(document.activeElement) ? document.activeElement : requestConfig.elt;
  if (!target.contains(held)) return;
  const cards = [...target.querySelectorAll("[id^=upload-], [id^=bundle-]")];
  const place = cards.findIndex((card) => card.contains(held));
  const around = place < 0 ? [] : [...cards.slice(place), ...cards.slice(0, place).reverse()];
  next = around.map(({ id }) => id);
}

function settled() {
  const dialog = asking && document.getElementById(asking);
  asking = "";
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
  if (next && (document.activeElement ?? document.body) === document.body) {
    const card = next.map((id) => document.getElementById(id)).find((found) => found);
    const heading = card?.querySelector("h3 a") ?? document.querySelector("#here");
    if (heading instanceof HTMLElement) heading.focus();
  }
  next = null;
  const card = awaited && document.querySelector(`#upload-${awaited}, #bundle-${awaited}`);
  if (card) showLink(card);
}

/** @param {Element} card */
function showLink(card) {
  awaited = "";
  const button = card.querySelector(":is([data-send], [data-copy]):not([hidden])");
  const at = document.activeElement ?? document.body;
  // A visitor who is writing, or at work on another card, is not to be taken away from it.
  const isFree = at === presented || !frame?.contains(at);
  if (!(button instanceof HTMLElement) || !isFree || at.matches("input[type=text], textarea, dialog *")) return;
  button.focus({ preventScroll: true });
  button.scrollIntoView({ block: "center" });
  presented = button;
}

document.addEventListener("htmx:beforeSwap", change);
document.addEventListener("htmx:afterSettle", settled);

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[popovertarget]") : null;
  const dialog = button && document.getElementById(button.getAttribute("popovertarget") ?? "");
  if (!button || !(dialog instanceof HTMLDialogElement)) return;
  event.preventDefault();
  if (dialog.contains(button)) dialog.close();
  else dialog.showModal();
});
