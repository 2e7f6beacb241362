// Several files under one link: the bundle is opened with the first of them, and completed once all have arrived or have
// been left out.

import { newKey } from "./api.js";
import { CANCELLED, Final, Gone } from "./faults.js";
import { Pause } from "./pause.js";
import { Retries } from "./retries.js";
import { tn } from "./words.js";

/** @import { Api, Changes, Upload } from "./api.js" */
/** @import { Choices, Kept } from "./choices.js" */
/** @import { Network } from "./network.js" */
/** @import { BundleEntry, BundleStore, claimTransfer } from "./store.js" */
/** @import { Item } from "./uploader.js" */

/**
 * The services that a bundle uses. Its page hears of each change, of the answer once the bundle is complete, and of its
 * end without one; `error` is the reason, if the visitor did not end it.
 *
 * @typedef {object} Services
 * @property {Pick<Api, "begin" | "complete" | "change" | "remove" | "read">} api
 * @property {Pick<BundleStore, "keep" | "forget">} store
 * @property {typeof claimTransfer} claimTransfer
 * @property {Pick<Network, "online" | "reason" | "watch">} network
 * @property {(bundle: Bundle) => void} changed
 * @property {(bundle: Bundle, answer: Upload) => void} ready
 * @property {(bundle: Bundle, error?: unknown) => void} ended
 */

/** Faults by which a file may fail because its bundle was deleted. */
const SUSPICIOUS = new Set(["late", "gone"]);

let count = 0;

export class Bundle {
  #services;
  #choices;
  /** @type {Set<Item>} */
  #members = new Set();
  /** The same for each try, so that the server makes no second bundle of an answer that was lost. */
  #key = newKey();
  /** @type {Changes | undefined} what it was opened with, by each try alike */
  #given;
  /** @type {Promise<string> | null} */
  #opening = null;
  /** @type {BundleEntry} */
  #entry;
  #retries;
  #life = new AbortController();
  #release = () => {};
  #isOver = false;
  #isCompleting = false;

  /**
   * @param {object} wanted
   * @param {"image" | "file"} wanted.kind
   * @param {File[]} wanted.files
   * @param {Changes} wanted.fields
   * @param {Choices} wanted.choices
   * @param {Kept} wanted.kept
   * @param {{ entry: BundleEntry, arrived: number, release: () => void }} [wanted.resumed] one that a reload interrupted
   * @param {Services} services
   */
  constructor({ kind, files, fields, choices, kept, resumed }, services) {
    const { metadata: _, ...own } = choices;
    const { metadata: __, ...shown } = kept;
    this.#services = services;
    this.#choices = own;
    this.#entry = resumed?.entry ?? { id: "", kind, files: files.map(traitsOf), choices: shown };
    this.#release = resumed?.release ?? (() => {});
    this.arrivedBefore = resumed?.arrived ?? 0;
    /** Its own card is that of an item, beside those of its files. @type {Item} */
    this.card = {
      id: `bundle-${++count}`,
      file: new File([], ""),
      name: "",
      kind,
      fields,
      choices: {},
      kept: this.#entry.choices,
      bundle: null,
      turn: 0,
      is: { state: "queued" },
      most: 0,
      link: resumed?.entry.link,
      whole: this,
    };
    this.#name();
    this.#retries = new Retries({
      file: new Blob(),
      network: services.network,
      pause: new Pause(),
      signal: this.#life.signal,
      report: (state) => this.#set(state.state === "sending" ? { state: "checking" } : state),
    });
    services.network.watch({ lost: () => {}, back: () => this.#retries.wake() });
    if (resumed && Object.keys(fields).length) this.edit(fields).catch(() => {}); // it arrives without them, too
  }

  /** The server's id; empty until it is open. */
  get id() {
    return this.#entry.id;
  }

  /** Those of its files that are not ready. */
  get left() {
    return [...this.#members].filter(({ is }) => is.state !== "ready");
  }

  get failed() {
    return this.left.filter(({ is }) => is.state === "failed");
  }

  /** How many of its files have arrived. */
  get arrived() {
    return this.arrivedBefore + this.#members.size - this.left.length;
  }

  /** How many files it has when all have arrived. */
  get all() {
    return this.#entry.files.length;
  }

  /** The bytes of its files, those that have arrived before a reload excepted. */
  get size() {
    return [...this.#members].reduce((sum, { file }) => sum + file.size, 0);
  }

  /** Whether its link is about to work. */
  get isCompleting() {
    return this.#isCompleting && !this.#isOver;
  }

  /**
   * The server's id. Raises what `Api.begin` raises; the next call tries again.
   *
   * @returns {Promise<string>}
   */
  open() {
    if (this.id) return Promise.resolve(this.id);
    this.#opening ??= this.#begin().catch((error) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  /**
   * Change its title or lifetime. Raises what `Api.change` raises.
   *
   * @param {Changes} changes
   */
  async edit(changes) {
    this.card.fields = { ...this.card.fields, ...changes };
    if (this.id) await this.#services.api.change(this.id, changes); // else `#begin` has them
  }

  /**
   * One of its files has changed, or is new.
   *
   * @param {Item} [item]
   */
  changed(item) {
    if (this.#isOver || this.#isCompleting) return;
    if (item) {
      this.#members.add(item);
      this.#note(item);
    }
    const done = [...this.#members].map(({ is, most, file }) => (is.state === "ready" ? file.size : most));
    this.card.most = done.reduce((sum, bytes) => sum + bytes, 0);
    const gone = this.failed
      .map(({ is }) => is.state === "failed" && is.error)
      .filter((error) => error instanceof Final);
    if (gone.some(({ fault }) => fault === "unbundled")) {
      this.#end(new Final({ fault: "unbundled" }));
      return;
    }
    if (gone.some(({ fault = "" }) => SUSPICIOUS.has(fault))) this.#look();
    this.#set(this.#state());
    if (!this.left.length) this.#arrive();
  }

  /**
   * The visitor does not want one of its files.
   *
   * @param {Item} item
   */
  leaveOut(item) {
    this.#members.delete(item);
    const place = this.#entry.files.findIndex((one) => isOf(one, item.file));
    if (place >= 0) this.#entry.files.splice(place, 1);
    if (this.#isOver) return;
    if (this.id) this.#services.store.keep(this.#entry);
    this.#name();
    this.changed();
  }

  /** Complete it, if that has failed. */
  retry() {
    this.changed();
  }

  /** Give it up, with all that has arrived of it. */
  cancel() {
    this.#end();
  }

  async #begin() {
    const { api, store, claimTransfer } = this.#services;
    this.#given ??= this.card.fields;
    const { id, link } = await api.begin({ ...this.#given, ...this.#choices }, this.#key);
    this.#entry = { ...this.#entry, id, link };
    if (this.#isOver) {
      this.#remove();
      throw CANCELLED;
    }
    store.keep(this.#entry);
    this.card.link = link;
    this.#release = (await claimTransfer(id)) ?? (() => {});
    if (this.card.fields !== this.#given) api.change(id, this.card.fields).catch(() => {});
    return id;
  }

  /**
   * Remember which upload an arrived file is.
   *
   * @param {Item} item
   */
  #note({ file, upload }) {
    const { files } = this.#entry;
    if (!upload || files.some(([, , , id]) => id === upload.id)) return;
    const own = files.find((one) => !one[3] && isOf(one, file));
    if (!own) return;
    own[3] = upload.id;
    this.#services.store.keep(this.#entry);
  }

  #name() {
    this.card.name =
      this.card.kind === "image"
        ? tn("{n} image under one link", "{n} images under one link", this.all)
        : tn("{n} file under one link", "{n} files under one link", this.all);
  }

  /** @returns {Item["is"]} */
  #state() {
    const states = this.left.map(({ is }) => is);
    const underway = states.filter(({ state }) => state !== "failed");
    const failed = states.find(({ state }) => state === "failed");
    if (!underway.length && failed) return failed;
    return underway.some(({ state }) => state !== "paused") ? { state: "sending" } : { state: "paused" };
  }

  /** All of its files that are on this page have arrived, or were left out. */
  #arrive() {
    if (!this.arrived) this.#end();
    else if (this.arrived < this.all) this.#interrupt();
    else this.#complete();
  }

  async #complete() {
    this.#isCompleting = true;
    this.#set({ state: "checking" });
    const { api, store, ready } = this.#services;
    try {
      const answer = await this.#retries.persist(() => api.complete(this.id, this.#life.signal));
      this.#isOver = true;
      store.forget(this.id);
      this.#release();
      this.card.upload = answer;
      ready(this, answer);
    } catch (error) {
      this.#isCompleting = false;
      if (this.#isOver) return;
      if (error instanceof Gone) this.#end(new Final({ fault: "unbundled" }));
      else this.#set({ state: "failed", error });
    }
  }

  /** Others of its files are not on this page. They may be chosen again, and it stays open for them. */
  #interrupt() {
    this.#isOver = true;
    this.#release();
    this.#services.ended(this);
  }

  /** @param {unknown} [error] */
  #end(error) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#life.abort(CANCELLED);
    if (this.id) this.#remove();
    this.#services.ended(this, error);
  }

  #remove() {
    const { api, store } = this.#services;
    store.forget(this.id);
    this.#release();
    api.remove(this.id).catch(() => {}); // the server drops it after its deadline by itself
  }

  /** Files fail if their bundle was deleted. Ask, so that the visitor does not have to find out. */
  async #look() {
    try {
      await this.#services.api.read(this.id);
    } catch (error) {
      if (error instanceof Gone) this.#end(new Final({ fault: "unbundled" }));
    }
  }

  /** @param {Item["is"]} is */
  #set(is) {
    if (this.#isOver) return;
    this.card.is = is;
    this.#services.changed(this);
  }
}

/**
 * The traits of one of its files, by which it is told from the others.
 *
 * @param {File} file
 * @returns {[string, number, number]}
 */
export function traitsOf({ name, size, lastModified }) {
  return [name, size, lastModified];
}

/**
 * Whether an entry of a bundle is that of a file.
 *
 * @param {BundleEntry["files"][number]} entry
 * @param {File} file
 */
export function isOf([name, size, lastModified], file) {
  return file.name === name && file.size === size && file.lastModified === lastModified;
}
