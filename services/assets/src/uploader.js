// Our uploader as a plugin of Uppy: its files become transfers, and its buttons steer them.

import { BasePlugin } from "@uppy/core";

import { CANCELLED } from "./faults.js";
import { Transfer } from "./transfer.js";

/** @import { Meta, PluginOpts, Uppy } from "@uppy/core" */
/** @import { Upload } from "./api.js" */
/** @import { Network } from "./network.js" */
/** @import { State } from "./status.js" */
/** @import { Services } from "./transfer.js" */

/**
 * @typedef {object} Options
 * @property {string} kind
 * @property {() => Record<string, string>} fields what else the API is to know of the next upload
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
    uppy.on("file-removed", ({ id }) => this.#transfers.get(id)?.cancel());
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

  /** Bytes of all transfers under way together. */
  get bytes() {
    return [...this.#transfers.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** @param {(transfer: Transfer) => void} steer */
  #each(steer) {
    for (const transfer of this.#transfers.values()) steer(transfer);
  }

  /** @param {string[]} ids */
  async #uploadAll(ids) {
    this.uppy.emit("upload-start", this.uppy.getFilesByIds(ids));
    const waiting = [...ids];
    const work = async () => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await this.#upload(id);
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
      { kind: opts.kind, fields: opts.fields() },
      {
        ...opts.services,
        report: (report) => ("bytes" in report ? this.#progress(id, report.bytes) : opts.changed(id, report)),
      },
    );
    this.#transfers.set(id, transfer);
    if (file.isPaused) transfer.pause();
    opts.changed(id, { state: "sending" });
    try {
      const upload = await transfer.run();
      uppy.emit("upload-success", uppy.getFile(id), { status: 200, body: { ...upload }, uploadURL: upload.link });
      opts.ready(upload);
    } catch (error) {
      if (error !== CANCELLED) uppy.emit("upload-error", uppy.getFile(id), new Error(opts.inWords(error)));
    } finally {
      this.#transfers.delete(id);
      this.#reported.delete(id);
      opts.changed(id, null);
    }
  }

  /**
   * @param {string} id
   * @param {number} bytes
   */
  #progress(id, bytes) {
    const now = Date.now();
    if (now - (this.#reported.get(id) ?? 0) < BETWEEN_REPORTS) return;
    this.#reported.set(id, now);
    const file = this.uppy.getFile(id);
    if (!file?.size) return;
    const bytesUploaded = Math.min(bytes, Math.floor(file.size * NOT_YET_ALL));
    this.uppy.emit("upload-progress", file, { bytesUploaded, bytesTotal: file.size, uploadStarted: now });
  }
}
