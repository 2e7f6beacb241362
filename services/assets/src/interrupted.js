// The transfers that a reload or a closed tab has interrupted, each with what the visitor can do about it.

import { make } from "./elements.js";
import { Gone } from "./faults.js";
import { looksLike, nameIn } from "./identity.js";
import { claimedTransfers } from "./store.js";
import { t } from "./words.js";

/** @import { Api } from "./api.js" */
/** @import { Entry, Store } from "./store.js" */

export class Interrupted {
  #kind;
  #api;
  #store;
  #present;
  /** @type {Entry[]} */
  #entries = [];

  /**
   * @param {object} given
   * @param {string} given.kind
   * @param {Api} given.api
   * @param {Store} given.store
   * @param {() => File[]} given.present files that the page has already, and need not ask for
   */
  constructor({ kind, api, store, present }) {
    this.#kind = kind;
    this.#api = api;
    this.#store = store;
    this.#present = present;
    this.element = make("ul", "upload-interrupted");
  }

  /** Ask the server what became of them, and show those that can continue. */
  async look() {
    const claimed = await claimedTransfers();
    const kept = this.#store.all().filter(({ kind, id }) => kind === this.#kind && !claimed.has(id));
    const asked = await Promise.all(kept.map((entry) => this.#ask(entry)));
    const present = this.#present();
    this.#entries = asked
      .filter((entry) => entry !== null)
      .filter(({ identity }) => !present.some((file) => looksLike(identity, file)));
    this.element.replaceChildren(...this.#entries.map((entry) => this.#row(entry)));
  }

  /**
   * Whether a file looks like one of them. The transfer itself compares its bytes before it continues.
   *
   * @param {File} file
   */
  knows(file) {
    return this.#entries.some(({ identity }) => looksLike(identity, file));
  }

  /**
   * The entry with what storage has now; null if the server has dropped it.
   *
   * @param {Entry} entry
   */
  async #ask(entry) {
    try {
      const parts = await this.#api.parts(entry.id);
      return { ...entry, stored: parts.reduce((sum, { size }) => sum + size, 0) };
    } catch (error) {
      if (!(error instanceof Gone)) return entry;
      this.#store.forget(entry.id);
      return null;
    }
  }

  /** @param {Entry} entry */
  #row({ id, identity, size, stored }) {
    const name = nameIn(identity);
    const percent = Math.floor((stored * 100) / size);
    const row = make(
      "li",
      "",
      t("{name} was interrupted at {percent}%. Choose it again to continue.", { name, percent }),
    );
    const discard = make("button", "quiet", t("Discard"));
    discard.type = "button";
    discard.setAttribute("aria-label", t("Discard {name}", { name }));
    discard.addEventListener("click", () => {
      this.#store.forget(id);
      this.#entries = this.#entries.filter((entry) => entry.id !== id);
      row.remove();
      this.#api.remove(id).catch(() => {}); // the server drops it after its deadline by itself
    });
    row.append(" ", discard);
    return row;
  }
}
