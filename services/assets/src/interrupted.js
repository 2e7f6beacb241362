// The transfers that a reload or a closed tab has interrupted, each with what the visitor can do about it.

import { make } from "./elements.js";
import { Gone } from "./faults.js";
import { looksLike, nameIn } from "./identity.js";
import { confirmed } from "./question.js";
import { claimedTransfers, claimTransfer } from "./store.js";
import { visible } from "./visible.js";
import { t } from "./words.js";

/** @import { Api } from "./api.js" */
/** @import { Entry, Store } from "./store.js" */

export class Interrupted {
  #kind;
  #api;
  #store;
  #present;
  #percent;
  /** @type {Entry[]} */
  #entries = [];

  /**
   * @param {object} given
   * @param {string} given.kind
   * @param {Api} given.api
   * @param {Store} given.store
   * @param {(share: number) => string} given.percent in words
   * @param {() => File[]} given.present files that the page has already, and need not ask for
   */
  constructor({ kind, api, store, percent, present }) {
    this.#kind = kind;
    this.#api = api;
    this.#store = store;
    this.#percent = percent;
    this.#present = present;
    this.element = make("ul", "upload-interrupted");
  }

  /** Ask the server what became of them, and show those that can continue. */
  async look() {
    const claimed = await claimedTransfers();
    const kept = this.#store.all().filter(({ kind, id }) => kind === this.#kind && !claimed.has(id));
    const asked = await Promise.all(kept.map((entry) => this.#ask(entry)));
    this.#entries = asked.filter((entry) => entry !== null);
    this.show();
  }

  /** Show those whose file is not on the page, as known from the last look. */
  show() {
    const present = this.#present();
    const kept = new Set(this.#store.all().map(({ id }) => id));
    const waiting = this.#entries
      .filter(({ id }) => kept.has(id))
      .filter(({ identity }) => !present.some((file) => looksLike(identity, file)));
    this.element.replaceChildren(...waiting.map((entry) => this.#row(entry)));
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
  #row(entry) {
    const { identity, size, stored } = entry;
    const name = visible(nameIn(identity));
    const percent = this.#percent(stored / size);
    const row = make(
      "li",
      "",
      t("{name} was interrupted at {percent}. Choose it again to continue.", { name, percent }),
    );
    const discard = make("button", "quiet", t("Discard"));
    discard.type = "button";
    discard.setAttribute("aria-label", t("Discard {name}", { name }));
    discard.addEventListener("click", () => this.#discard(entry));
    row.append(" ", discard);
    return row;
  }

  /**
   * Drop a transfer if the visitor wants that and no tab works on it, be it since the question was asked.
   *
   * @param {Entry} entry
   */
  async #discard({ id, identity }) {
    const wanted = await confirmed({
      title: t("Discard {name}?", { name: visible(nameIn(identity)) }),
      text: t("The parts that were sent are deleted. Your file stays where it is."),
      yes: t("Discard"),
      no: t("Keep it"),
    });
    if (!wanted) return;
    const release = await claimTransfer(id);
    if (release) {
      this.#store.forget(id);
      this.show();
      await this.#api.remove(id).catch(() => {}); // the server drops it after its deadline by itself
      release();
    }
    await this.look();
  }
}
