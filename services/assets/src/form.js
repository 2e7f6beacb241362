// Reads the upload form of a page: its limits and addresses, and the fields that the visitor filled in.

/**
 * @typedef {object} Settings
 * @property {"image" | "file"} kind
 * @property {number} most the largest size, in bytes
 * @property {number} kept how many images stay; 0 for all
 * @property {string[]} types that the page takes; none for any
 * @property {string} api the address of the uploads
 * @property {string} live an address that answers whenever the app runs
 * @property {string} csrf the page's token
 */

const CSRF = "csrfmiddlewaretoken";

/**
 * @param {HTMLFormElement} form
 * @returns {Settings}
 */
export function settingsOf(form) {
  const { kind, most, kept, api = "", live = "" } = form.dataset;
  const accept = fileField(form).accept;
  return {
    kind: kind === "image" ? "image" : "file",
    most: Number(most),
    kept: Number(kept),
    types: accept ? accept.split(",") : [],
    api,
    live,
    csrf: String(new FormData(form).get(CSRF)),
  };
}

/**
 * The form's other fields that are filled in, as the API names them.
 *
 * @param {HTMLFormElement} form
 */
export function fieldsOf(form) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (name !== CSRF && typeof value === "string" && value) fields[name] = value;
  }
  return fields;
}

/**
 * Empty the fields that belong to one upload alone, so that the next one does not get them too.
 *
 * @param {HTMLFormElement} form
 */
export function emptyFields(form) {
  for (const field of form.querySelectorAll("input[type=text][name]")) {
    if (field instanceof HTMLInputElement) field.value = "";
  }
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
  hide(form.querySelector("button:not([type=button])"));
  for (const element of form.querySelectorAll("[data-most-with-script]")) element.textContent = limit;
}

/** @param {HTMLFormElement} form */
function fileField(form) {
  return /** @type {HTMLInputElement} */ (form.querySelector("input[type=file]"));
}

/** @param {Element | null} element */
function hide(element) {
  if (element instanceof HTMLElement) element.hidden = true;
}
