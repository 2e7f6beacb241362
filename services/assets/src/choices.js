// The choices of a visitor for the files that they send: a limit on downloads, a password, and the details in photos. The
// form keeps the choices for the next files, and the tab keeps them for the form of its next page.

import { newKey } from "./api.js";
import { t, tn } from "./words.js";

const KEY = "mayfly.choices";
const MOST_DOWNLOADS = 100;
const OTHER = "other";

/**
 * The choices as the API takes them.
 *
 * @typedef {{ downloads?: number, password?: string, metadata?: "keep" }} Choices
 */

/**
 * The choices as a browser may keep them: `mark` stands for the password. It is random, and another one for each password
 * that is typed, so it says whether two passwords are the same and nothing else of them.
 *
 * @typedef {{ downloads?: number, mark?: string, metadata?: "keep" }} Kept
 */

/** @typedef {{ value: string, checked: boolean }} Field what a field has; one of its group, if it is a radio button */

export class ChoiceFields {
  #form;
  #storage;
  #mark = "";

  /**
   * Give the form the choices of this tab, and keep those that are made from now on.
   *
   * @param {HTMLFormElement} form which may lack any of the fields
   * @param {Pick<Storage, "getItem" | "setItem"> | undefined} storage of the tab: nothing else may hold a password
   */
  constructor(form, storage = tabStorage()) {
    this.#form = form;
    this.#storage = storage;
    const details = form.querySelector(".more");
    if (!details) return;
    this.#restore();
    this.#show();
    details.addEventListener("input", ({ target }) => {
      if (target === this.#password) this.#mark = this.#password?.value ? newKey() : "";
    });
    details.addEventListener("change", () => {
      if (this.#other) this.#other.value = String(within(this.#other.value));
      this.#keep();
      this.#show();
    });
    details.querySelector("[data-show]")?.addEventListener("click", ({ currentTarget }) => {
      this.#reveal(/** @type {HTMLButtonElement} */ (currentTarget));
    });
  }

  /**
   * The choices that apply to a file of this kind.
   *
   * @param {"image" | "file"} kind
   * @returns {{ choices: Choices, kept: Kept, together: boolean }}
   */
  read(kind) {
    const data = new FormData(this.#form);
    const password = String(data.get("password") ?? "");
    const asked = data.get("downloads");
    const downloads = asked === OTHER ? within(String(data.get("downloads_other"))) : Number(asked);
    /** @type {Pick<Choices, "downloads" | "metadata">} */
    const open = {
      ...(downloads && { downloads }),
      ...(kind === "image" && data.get("metadata") === "keep" && { metadata: "keep" }),
    };
    return {
      choices: { ...open, ...(password && { password }) },
      kept: { ...open, ...(password && { mark: this.#mark }) },
      together: data.get("together") === "1",
    };
  }

  get #password() {
    return this.#field("password");
  }

  get #other() {
    return this.#field("downloads_other");
  }

  /** @param {string} name */
  #field(name) {
    return /** @type {HTMLInputElement | null} */ (this.#form.querySelector(`.more input[name=${name}]`));
  }

  get #fields() {
    return [...this.#form.querySelectorAll(".more input")].filter((field) => field instanceof HTMLInputElement);
  }

  /** Fields that the server has filled in, since it shows the form again, stay as they are. */
  #restore() {
    if (this.#form.querySelector(".more[open]")) return;
    try {
      const { mark, values } = JSON.parse(this.#storage?.getItem(KEY) ?? "null") ?? { mark: "", values: {} };
      this.#mark = mark;
      for (const field of this.#fields) {
        const value = values[field.name];
        if (value === undefined) continue;
        if (field.type === "radio" || field.type === "checkbox") field.checked = field.value === value;
        else field.value = value;
      }
    } catch {
      // A browser that keeps nothing has the form's own choices.
    }
  }

  #keep() {
    /** @type {Record<string, string>} */
    const values = {};
    for (const { name, type, value, checked } of this.#fields) {
      if (type === "checkbox") values[name] = checked ? value : "";
      else if (type !== "radio" || checked) values[name] = value;
    }
    try {
      this.#storage?.setItem(KEY, JSON.stringify({ mark: this.#mark, values }));
    } catch {
      // Then the next page begins with the form's own choices.
    }
  }

  /** Write what is chosen beside the words that unfold the choices. */
  #show() {
    const place = this.#form.querySelector("[data-chosen]");
    const { kept, together } = this.read(this.#field("metadata") ? "image" : "file");
    const said = [...inWords(kept), ...(together || !this.#field("together") ? [] : [t("separate links")])];
    if (place) place.textContent = said.map((text) => ` · ${text}`).join("");
  }

  /** @param {HTMLButtonElement} button */
  #reveal(button) {
    const field = this.#password;
    if (!field) return;
    const isShown = field.type === "password";
    field.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", String(isShown));
  }
}

/**
 * The choices that are not what everyone gets, each in a few words.
 *
 * @param {Kept} kept
 */
export function inWords({ downloads, mark, metadata }) {
  return [
    ...(mark ? [t("password")] : []),
    ...(downloads ? [tn("{n} download", "{n} downloads", downloads)] : []),
    ...(metadata ? [t("photo details kept")] : []),
  ];
}

/**
 * Whether an upload with some choices may stand for one with others: none of those that the visitor makes now is missing.
 *
 * @param {Kept} has
 * @param {Kept} wanted
 */
export function covers(has, wanted) {
  return /** @type {(keyof Kept)[]} */ (Object.keys(wanted)).every((name) => has[name] === wanted[name]);
}

/** @param {string} text */
function within(text) {
  return Math.min(Math.max(Math.round(Number(text)) || 1, 1), MOST_DOWNLOADS);
}

function tabStorage() {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}
