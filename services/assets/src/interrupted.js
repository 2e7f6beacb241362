// The transfers and bundles that a reload or a closed tab has interrupted, with what the visitor can do about it: of a bundle,
// some files may have arrived.

import { isOf } from "./bundle.js";
import { covers } from "./choices.js";
import { make } from "./elements.js";
import { Gone } from "./faults.js";
import { looksLike, nameIn } from "./identity.js";
import { confirmed } from "./question.js";
import { claimedTransfers, claimTransfer } from "./store.js";
import { visible } from "./visible.js";
import { t } from "./words.js";

/** @import { Api, Content } from "./api.js" */
/** @import { Kept } from "./choices.js" */
/** @import { BundleEntry, BundleStore, Entry, Store } from "./store.js" */

/**
 * A bundle that this page continues, and how many of its files have arrived. `release` ends the tab's claim.
 *
 * @typedef {{ entry: BundleEntry, arrived: number, release: () => void }} Resumed
 */

/** @typedef {{ entry: BundleEntry, uploads: Content[] }} Waiting a bundle, and those of its uploads that are ready */

export class Interrupted {
  #kind;
  #api;
  #bundles;
  #store;
  #bundleStore;
  #present;
  #percent;
  #complete;
  /** @type {Entry[]} */
  #entries = [];
  /** @type {Waiting[]} */
  #waiting = [];

  /**
   * @param {object} given
   * @param {string} given.kind
   * @param {Pick<Api, "parts" | "remove">} given.api
   * @param {Pick<Api, "read" | "remove">} given.bundles
   * @param {Store} given.store
   * @param {BundleStore} given.bundleStore
   * @param {(share: number) => string} given.percent in words
   * @param {() => File[]} given.present files that the page has already, and need not ask for
   * @param {(resumed: Resumed) => void} given.complete completes a bundle with the files that have arrived
   */
  constructor({ kind, api, bundles, store, bundleStore, percent, present, complete }) {
    this.#kind = kind;
    this.#api = api;
    this.#bundles = bundles;
    this.#store = store;
    this.#bundleStore = bundleStore;
    this.#percent = percent;
    this.#present = present;
    this.#complete = complete;
    this.element = make("ul", "upload-interrupted");
  }

  /** Ask the server what became of them, and show those that can continue. */
  async look() {
    const claimed = await claimedTransfers();
    const isFree = (/** @type {{ id: string, kind: string }} */ { id, kind }) =>
      kind === this.#kind && !claimed.has(id);
    const waiting = await Promise.all(
      this.#bundleStore
        .all()
        .filter(isFree)
        .map((entry) => this.#read(entry)),
    );
    this.#waiting = waiting.filter((one) => one !== null);
    const kept = this.#store.all().filter(isFree);
    const bundles = new Set(this.#bundleStore.all().map(({ id }) => id));
    for (const { id, bundle } of kept) if (bundle && !bundles.has(bundle)) this.#store.forget(id);
    const asked = await Promise.all(kept.filter(({ bundle }) => !bundle).map((entry) => this.#ask(entry)));
    this.#entries = asked.filter((entry) => entry !== null);
    this.show();
    for (const one of this.#waiting) if (one.uploads.length >= one.entry.files.length) await this.#finish(one);
  }

  /** Show those whose file is not on the page, as known from the last look. */
  show() {
    const present = this.#present();
    const kept = new Set(this.#store.all().map(({ id }) => id));
    const single = this.#entries
      .filter(({ id }) => kept.has(id))
      .filter(({ identity }) => !present.some((file) => looksLike(identity, file)));
    const rows = [...this.#waiting.map((one) => this.#bundleRow(one)), ...single.map((entry) => this.#row(entry))];
    this.element.replaceChildren(...rows);
  }

  /**
   * Whether a file may be that of an interrupted transfer, of an upload with these choices and without a bundle.
   *
   * @param {File} file
   * @param {Kept} kept
   */
  has(file, kept) {
    return this.#entries.some((entry) => covers(entry.choices ?? {}, kept) && looksLike(entry.identity, file));
  }

  /**
   * Claim the interrupted bundles to which some of these files belong, for this tab. `arrived` are files that a bundle has
   * already, and `rest` are those that belong to none.
   *
   * @param {File[]} files
   * @param {Kept} kept the choices that they are to have
   */
  async claim(files, kept) {
    const { metadata: _, ...wanted } = kept;
    /** @type {{ files: File[], resumed: Resumed }[]} */
    const groups = [];
    /** @type {File[]} */
    const arrived = [];
    let rest = files;
    for (const { entry, uploads } of this.#waiting.filter(({ entry }) => covers(entry.choices, wanted))) {
      const own = rest.filter((file) => entry.files.some((one) => isOf(one, file)));
      const release = own.length ? await claimTransfer(entry.id) : null;
      if (!release) continue; // none, or another tab sends them
      const ids = new Set(uploads.map(({ id }) => id));
      const noted = entry.files.filter(([, , , id]) => id && ids.has(id));
      const others = uploads.filter(({ id }) => !noted.some((one) => one[3] === id));
      const there = own.filter(
        (file) => takeOne(noted, (one) => isOf(one, file)) || takeOne(others, (upload) => looksLikeFile(upload, file)),
      );
      const missing = own.filter((file) => !there.includes(file));
      arrived.push(...there);
      rest = rest.filter((file) => !own.includes(file));
      if (missing.length) groups.push({ files: missing, resumed: { entry, arrived: uploads.length, release } });
      else release();
    }
    this.#waiting = this.#waiting.filter(({ entry }) => !groups.some(({ resumed }) => resumed.entry === entry));
    return { groups, arrived, rest };
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

  /**
   * A bundle with its uploads that are ready; null if it takes no more.
   *
   * @param {BundleEntry} entry
   * @returns {Promise<Waiting | null>}
   */
  async #read(entry) {
    try {
      const { state, uploads } = await this.#bundles.read(entry.id);
      if (state === "open") return { entry, uploads: uploads.filter((upload) => upload.state === "ready") };
    } catch (error) {
      if (!(error instanceof Gone)) return null; // the next look may find it
    }
    this.#bundleStore.forget(entry.id);
    return null;
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
    row.append(" ", this.#discardButton(name, entry.id));
    return row;
  }

  /** @param {Waiting} one */
  #bundleRow(one) {
    const { entry, uploads } = one;
    const all = entry.files.length;
    const words = { n: uploads.length, all };
    const row = make(
      "li",
      "",
      t("Under one link, {n} of {all} files have arrived. Choose the others again to continue.", words),
    );
    if (uploads.length) {
      const finish = make("button", "quiet", t("Finish without them"));
      finish.type = "button";
      finish.addEventListener("click", () => this.#finish(one));
      row.append(" ", finish);
    }
    row.append(" ", this.#discardButton(visible(entry.files[0][0]), entry.id));
    return row;
  }

  /**
   * @param {string} name
   * @param {string} id
   */
  #discardButton(name, id) {
    const discard = make("button", "quiet", t("Discard"));
    discard.type = "button";
    discard.setAttribute("aria-label", t("Discard {name}", { name }));
    discard.addEventListener("click", () => this.#discard(name, id));
    return discard;
  }

  /** @param {Waiting} one */
  async #finish({ entry, uploads }) {
    const release = await claimTransfer(entry.id);
    if (!release) return; // another tab continues it
    this.#waiting = this.#waiting.filter((other) => other.entry !== entry);
    this.show();
    this.#complete({
      entry: { ...entry, files: entry.files.slice(0, uploads.length) },
      arrived: uploads.length,
      release,
    });
  }

  /**
   * Drop a transfer or a bundle if the visitor wants that and no tab works on it, be it since the question was asked.
   *
   * @param {string} name
   * @param {string} id
   */
  async #discard(name, id) {
    const wanted = await confirmed({
      title: t("Discard {name}?", { name }),
      text: t("The parts that were sent are deleted. Your file stays where it is."),
      yes: t("Discard"),
      no: t("Keep it"),
    });
    if (!wanted) return;
    const release = await claimTransfer(id);
    if (release) {
      const api = this.#waiting.some(({ entry }) => entry.id === id) ? this.#bundles : this.#api;
      this.#store.forget(id);
      this.#bundleStore.forget(id);
      this.#waiting = this.#waiting.filter(({ entry }) => entry.id !== id);
      this.show();
      await api.remove(id).catch(() => {}); // the server drops it after its deadline by itself
      release();
    }
    await this.look();
  }
}

/**
 * Whether an upload may be of a file; the server shows its name without some characters.
 *
 * @param {Content} upload
 * @param {File} file
 */
function looksLikeFile({ name, size }, file) {
  return size === file.size && name === visible(file.name);
}

/**
 * Take the first one that fits out of a list, where several may be alike. Returns whether there was one.
 *
 * @template T
 * @param {T[]} list
 * @param {(one: T) => boolean} fits
 */
function takeOne(list, fits) {
  const place = list.findIndex(fits);
  if (place >= 0) list.splice(place, 1);
  return place >= 0;
}
