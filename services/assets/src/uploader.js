// The files that this page sends: a few at a time, each by a transfer of its own, and images complete in the order in
// which they were chosen.

import { CANCELLED } from "./faults.js";
import { Transfer } from "./transfer.js";
import { visible } from "./visible.js";

/** @import { Changes, Upload } from "./api.js" */
/** @import { Bundle } from "./bundle.js" */
/** @import { Choices, Kept } from "./choices.js" */
/** @import { Network } from "./network.js" */
/** @import { Progress, State } from "./status.js" */
/** @import { Services } from "./transfer.js" */

/**
 * A file on its way. `turn` is its place in the order of completion, `most` the most bytes that it has reported, `link`
 * its share page once storage has some of it, and `upload` the server's answer once it is ready.
 *
 * @typedef {object} Item
 * @property {string} id
 * @property {File} file
 * @property {string} name as people see it
 * @property {string} kind
 * @property {Changes} fields what else the API is to know of it
 * @property {Choices} choices that the API is to know too, and that do not change
 * @property {Kept} kept the choices that apply to it, as the browser keeps them
 * @property {Bundle | null} bundle that it belongs to
 * @property {number} turn
 * @property {State | { state: "queued" } | { state: "ready" } | { state: "failed", error: unknown }} is
 * @property {number} most
 * @property {string} [link]
 * @property {Upload} [upload]
 * @property {Bundle} [whole] the bundle, if this is not one file but all of a bundle
 */

/**
 * The page's reactions. `changed` follows every change of an item, `removed` its end without one.
 *
 * @typedef {object} Handlers
 * @property {(item: Item) => void} changed
 * @property {(item: Item, upload: Upload) => void} ready
 * @property {(item: Item) => void} removed
 * @property {() => void} idle nothing is under way any more
 */

// So many files are under way at a time; their parts share the lanes.
const TRANSFERS = 4;
// In ms: a screen that changes more often shows nothing more.
const BETWEEN_REPORTS = 200;

export class Uploader {
  #services;
  #on;
  /** @type {Map<string, Item>} in the order in which they were chosen */
  #items = new Map();
  /** @type {Map<string, Transfer>} */
  #transfers = new Map();
  /** @type {Item[]} */
  #queue = [];
  /** @type {Map<string, number>} when the progress of each was last reported */
  #reported = new Map();
  /** Bytes that transfers have sent which are not under way any more. */
  #sent = 0;
  #count = 0;
  /** @type {PromiseWithResolvers<void>} resolved when an item's state changes */
  #next = Promise.withResolvers();

  /**
   * @param {Omit<Services, "report" | "turn"> & { network: Pick<Network, "watch"> }} services
   * @param {Handlers} on
   */
  constructor(services, on) {
    this.#services = services;
    this.#on = on;
    services.network.watch({
      lost: () => this.#each((transfer) => transfer.lost()),
      back: () => this.#each((transfer) => transfer.back()),
    });
  }

  /** All files that are not ready: queued, under way, paused or failed. */
  get items() {
    return [...this.#items.values()];
  }

  get busy() {
    return this.#transfers.size > 0 || this.#queue.length > 0;
  }

  /**
   * All transfers together: the bytes sent from here so far, the bytes that remain, and whether some travel again.
   *
   * @returns {Progress}
   */
  get progress() {
    const progress = { sent: this.#sent, left: 0, again: false };
    for (const [id, transfer] of this.#transfers) {
      progress.sent += transfer.sent;
      progress.left += transfer.size - transfer.bytes;
      progress.again ||= transfer.bytes < (this.#items.get(id)?.most ?? 0);
    }
    for (const { file } of this.#queue) progress.left += file.size;
    return progress;
  }

  /**
   * Send a file, as soon as it is its turn.
   *
   * @param {File} file
   * @param {string} kind
   * @param {Changes} fields
   * @param {{ choices?: Choices, kept?: Kept, bundle?: Bundle | null }} [more]
   */
  send(file, kind, fields, { choices = {}, kept = {}, bundle = null } = {}) {
    const turn = ++this.#count;
    /** @type {Item} */
    const item = {
      id: String(turn),
      file,
      name: visible(file.name),
      kind,
      fields,
      choices,
      kept,
      bundle,
      turn,
      is: { state: "queued" },
      most: 0,
    };
    this.#items.set(item.id, item);
    this.#enqueue(item);
    return item;
  }

  /** @param {Item} item */
  pause({ id }) {
    this.#transfers.get(id)?.pause();
  }

  /** @param {Item} item */
  resume({ id }) {
    this.#transfers.get(id)?.resume();
  }

  /**
   * Try a file that failed once more.
   *
   * @param {Item} item
   */
  retry(item) {
    if (item.is.state !== "failed") return;
    item.turn = ++this.#count;
    this.#enqueue(item);
  }

  /**
   * Give a file up, whatever its state.
   *
   * @param {Item} item
   */
  cancel(item) {
    if (!this.#items.delete(item.id)) return;
    this.#queue = this.#queue.filter((other) => other !== item);
    this.#transfers.get(item.id)?.cancel();
    this.#pulse();
    this.#on.removed(item);
  }

  /**
   * Change the title or the lifetime of a file, whatever its state. Raises what `Api.change` raises.
   *
   * @param {Item} item
   * @param {Changes} changes
   */
  async edit(item, changes) {
    item.fields = { ...item.fields, ...changes };
    if (item.upload) await this.#services.api.change(item.upload.id, changes);
    else await this.#transfers.get(item.id)?.edit(changes);
  }

  /** @param {(transfer: Transfer) => void} steer */
  #each(steer) {
    for (const transfer of this.#transfers.values()) steer(transfer);
  }

  /** @param {Item} item */
  #enqueue(item) {
    this.#queue.push(item);
    this.#set(item, { state: "queued" });
    this.#work();
  }

  #work() {
    while (this.#transfers.size < TRANSFERS) {
      const item = this.#queue.shift();
      if (!item) return;
      this.#run(item);
    }
  }

  /** @param {Item} item */
  async #run(item) {
    const transfer = new Transfer(item.file, item, {
      ...this.#services,
      turn: () => this.#turn(item),
      report: (report) => {
        if (!this.#items.has(item.id)) return; // given up, and on its last steps
        if ("bytes" in report) this.#progress(item, report);
        else this.#set(item, report);
      },
    });
    this.#transfers.set(item.id, transfer);
    this.#set(item, { state: "sending" });
    try {
      const upload = await transfer.run();
      item.upload = upload;
      this.#items.delete(item.id);
      this.#end(item, transfer);
      this.#set(item, { state: "ready" });
      this.#on.ready(item, upload);
    } catch (error) {
      this.#end(item, transfer);
      if (error !== CANCELLED) this.#set(item, { state: "failed", error });
    }
    this.#work();
    if (!this.busy) this.#on.idle();
  }

  /**
   * @param {Item} item
   * @param {Transfer} transfer
   */
  #end({ id }, transfer) {
    this.#sent += transfer.sent;
    this.#transfers.delete(id);
    this.#reported.delete(id);
  }

  /**
   * @param {Item} item
   * @param {Item["is"]} is
   */
  #set(item, is) {
    item.is = is;
    this.#pulse();
    this.#on.changed(item);
  }

  #pulse() {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  /**
   * Wait until no image that was chosen before this one is still on its way: the server keeps the images that were
   * completed last. A paused one holds no other up.
   *
   * @param {Item} item
   */
  async #turn(item) {
    const isAhead = (/** @type {Item} */ other) =>
      other.kind === "image" && other.turn < item.turn && other.is.state !== "paused" && other.is.state !== "failed";
    while (item.kind === "image" && this.#items.has(item.id) && this.items.some(isAhead)) await this.#next.promise;
  }

  /**
   * Lost parts travel again, and the bar keeps its place meanwhile.
   *
   * @param {Item} item
   * @param {{ bytes: number, stored: number, kept: Kept, link?: string }} report
   */
  #progress(item, { bytes, stored, kept, link }) {
    item.kept = kept;
    item.most = Math.max(bytes, item.most);
    if (stored) item.link = link;
    const now = Date.now();
    if (now - (this.#reported.get(item.id) ?? 0) < BETWEEN_REPORTS) return;
    this.#reported.set(item.id, now);
    this.#on.changed(item);
  }
}
