// Our uploader as a plugin of Uppy: its files become transfers, and its buttons steer them.

import { BasePlugin } from "@uppy/core";

import { CANCELLED } from "./faults.js";
import { Transfer } from "./transfer.js";

/** @import { Meta, PluginOpts, Uppy } from "@uppy/core" */
/** @import { Upload } from "./api.js" */
/** @import { Network } from "./network.js" */
/** @import { Progress, State } from "./status.js" */
/** @import { Services } from "./transfer.js" */

/**
 * @typedef {object} Options
 * @property {string} kind
 * @property {() => Record<string, string>} takeFields gives what else the API is to know of the files that begin now
 * @property {Omit<Services, "report"> & { network: Network }} services
 * @property {(id: string, state: State | null) => void} changed a file's state; null at its end
 * @property {(upload: Upload) => void} ready
 * @property {(error: unknown) => string} inWords
 */

/** @typedef {Record<string, unknown>} Body of the server's answer */

// So many files are under way at a time; their parts share the lanes.
const TRANSFERS = 4;
// In ms, since Uppy draws everything anew with each report.
const BETWEEN_REPORTS = 200;
// Uppy treats 100 % as finished; only the server can say that.
const NOT_YET_ALL = 0.99;

/** @extends {BasePlugin<Options & PluginOpts, Meta, Body>} */
export class Uploader extends BasePlugin {
  /** @type {Map<string, Transfer>} */
  #transfers = new Map();
  /** @type {Map<string, number>} when the progress of each was last reported */
  #reported = new Map();
  /** @type {Map<string, number>} the most bytes that each has reported */
  #most = new Map();
  /** @type {Set<string>} files that wait for their turn */
  #waiting = new Set();
  /** @type {Map<string, Record<string, string>>} what else the API is to know of each, when it is tried again too */
  #fields = new Map();
  /** Bytes that transfers have sent which are not under way any more. */
  #sent = 0;

  /**
   * @param {Uppy<Meta, Body>} uppy
   * @param {Options & PluginOpts} options
   */
  constructor(uppy, options) {
    super(uppy, options);
    this.id = "MayflyUploader";
    this.type = "uploader";
  }

  install() {
    const { uppy } = this;
    uppy.setState({ capabilities: { ...uppy.getState().capabilities, resumableUploads: true } });
    uppy.addUploader((ids) => this.#uploadAll(ids));
    uppy.on("file-removed", ({ id }) => {
      this.#most.delete(id);
      this.#fields.delete(id);
      this.#waiting.delete(id);
      this.#transfers.get(id)?.cancel();
    });
    uppy.on("upload-pause", (file, paused) => {
      const transfer = file && this.#transfers.get(file.id);
      if (paused) transfer?.pause();
      else transfer?.resume();
    });
    uppy.on("pause-all", () => this.#each((transfer) => transfer.pause()));
    uppy.on("resume-all", () => this.#each((transfer) => transfer.resume()));
    this.opts.services.network.watch({
      lost: () => this.#each((transfer) => transfer.lost()),
      back: () => this.#each((transfer) => transfer.back()),
    });
  }

  get busy() {
    return this.#transfers.size > 0;
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
      progress.again ||= transfer.bytes < (this.#most.get(id) ?? 0);
    }
    for (const id of this.#waiting) progress.left += this.uppy.getFile(id)?.size ?? 0;
    return progress;
  }

  /** @param {(transfer: Transfer) => void} steer */
  #each(steer) {
    for (const transfer of this.#transfers.values()) steer(transfer);
  }

  /** @param {string[]} ids */
  async #uploadAll(ids) {
    this.uppy.emit("upload-start", this.uppy.getFilesByIds(ids));
    const begin = ids.filter((id) => !this.#fields.has(id));
    if (begin.length) {
      const fields = this.opts.takeFields();
      for (const id of begin) this.#fields.set(id, fields);
    }
    const waiting = [...ids];
    for (const id of waiting) this.#waiting.add(id);
    const work = async () => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        this.#waiting.delete(id);
        await this.#upload(id);
      }
    };
    await Promise.all(Array.from({ length: TRANSFERS }, work));
  }

  /** @param {string} id */
  async #upload(id) {
    const { uppy, opts } = this;
    const file = uppy.getFile(id);
    if (!file) return; // removed while it waited
    const transfer = new Transfer(
      /** @type {File} */ (file.data),
      { kind: opts.kind, fields: this.#fields.get(id) ?? {} },
      {
        ...opts.services,
        report: (report) => ("bytes" in report ? this.#progress(id, report.bytes) : opts.changed(id, report)),
      },
    );
    this.#transfers.set(id, transfer);
    if (file.isPaused) transfer.pause();
    if (this.#most.has(id)) this.#progress(id, 0); // it is tried again, and the bar keeps its place
    opts.changed(id, { state: "sending" });
    try {
      const upload = await transfer.run();
      this.#most.delete(id);
      uppy.emit("upload-success", uppy.getFile(id), { status: 200, body: { ...upload }, uploadURL: upload.link });
      opts.ready(upload);
    } catch (error) {
      if (error !== CANCELLED) uppy.emit("upload-error", uppy.getFile(id), new Error(opts.inWords(error)));
    } finally {
      this.#sent += transfer.sent;
      this.#transfers.delete(id);
      this.#reported.delete(id);
      opts.changed(id, null);
    }
  }

  /**
   * Let Uppy draw how far a file is. Lost parts travel again, and the bar keeps its place meanwhile.
   *
   * @param {string} id
   * @param {number} bytes
   */
  #progress(id, bytes) {
    const most = Math.max(bytes, this.#most.get(id) ?? 0);
    this.#most.set(id, most);
    const now = Date.now();
    if (now - (this.#reported.get(id) ?? 0) < BETWEEN_REPORTS) return;
    this.#reported.set(id, now);
    const file = this.uppy.getFile(id);
    if (!file?.size) return;
    const bytesUploaded = Math.min(most, Math.floor(file.size * NOT_YET_ALL));
    this.uppy.emit("upload-progress", file, { bytesUploaded, bytesTotal: file.size, uploadStarted: now });
  }
}
