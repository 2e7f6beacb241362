// Reads the upload form of a page: its limits and addresses, and the fields that the visitor filled in.

/** @import { Changes } from "./api.js" */

/**
 * @typedef {object} Settings
 * @property {"image" | "file"} kind
 * @property {Record<"image" | "file", number>} most the largest size of each kind, in bytes
 * @property {number} kept how many images stay; 0 for all
 * @property {string[]} types that the page takes; none for any
 * @property {string} choose the words for the choice of files
 * @property {number} titleLength the most characters of a title
 * @property {string} files the address of My Files
 * @property {string} api the address of the uploads
 * @property {string} bundles the address of the bundles
 * @property {string} live an address that answers whenever the app runs
 * @property {string} csrf the page's token
 */

const CSRF = "csrfmiddlewaretoken";

/**
 * @param {HTMLFormElement} form
 * @returns {Settings}
 */
export function settingsOf(form) {
  const { kind, mostImage, mostFile, kept, api = "", bundles = "", live = "", files = "" } = form.dataset;
  const field = fileField(form);
  return {
    kind: kind === "image" ? "image" : "file",
    most: { image: Number(mostImage), file: Number(mostFile) },
    kept: Number(kept),
    types: field.accept ? field.accept.split(",") : [],
    choose: field.labels?.[0]?.textContent ?? "",
    titleLength: titleField(form).maxLength,
    files,
    api,
    bundles,
    live,
    csrf: String(new FormData(form).get(CSRF)),
  };
}

/**
 * The fields for the files that are chosen now, beside their choices. The title is for these alone, so its field is empty
 * afterwards.
 *
 * @param {HTMLFormElement} form
 * @returns {Changes}
 */
export function takeFields(form) {
  const data = new FormData(form);
  const title = String(data.get("title") ?? "").trim();
  const lifetime = Number(data.get("lifetime"));
  titleField(form).value = "";
  return { ...(title && { title }), ...(lifetime && { lifetime }) };
}

/**
 * Put a title back that was taken for files none of which is sent, unless there is another one by now.
 *
 * @param {HTMLFormElement} form
 * @param {Changes} fields
 */
export function giveBack(form, { title = "" }) {
  titleField(form).value ||= title;
}

/**
 * Hide what only a browser without scripts needs, and show the limit that applies with them.
 *
 * @param {HTMLFormElement} form
 * @param {string} limit
 */
export function takeOver(form, limit) {
  const field = fileField(form);
  form.classList.add("is-enhanced");
  field.disabled = true; // not required any more, and not sent
  hide(field.closest("p") ?? field);
  for (const element of form.querySelectorAll("button:not([type=button]), [data-without-script]")) hide(element);
  for (const element of form.querySelectorAll("[data-most-with-script]")) element.textContent = limit;
  for (const element of form.querySelectorAll("[data-show], [data-with-script]")) element.removeAttribute("hidden");
}

/** @param {HTMLFormElement} form */
function fileField(form) {
  return /** @type {HTMLInputElement} */ (form.querySelector("input[type=file]"));
}

/** @param {HTMLFormElement} form */
function titleField(form) {
  return /** @type {HTMLInputElement} */ (form.querySelector("input[name=title]"));
}

/** @param {Element} element */
function hide(element) {
  if (element instanceof HTMLElement) element.hidden = true;
}
