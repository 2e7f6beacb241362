// Our uploader as a plugin of Uppy: its files become transfers, its buttons steer them.

import { BasePlugin } from "@uppy/core";

import { CANCELLED, Transfer } from "./transfer.js";

// So many files are under way at a time; their parts share the lanes.
const TRANSFERS = 4;
// Uppy draws the page anew with each report.
const REPORT = 200;
// Uppy takes a file that was at 100 % once for finished, which it is not before the server says so.
const NOT_YET_ALL = 0.99;

export class Uploader extends BasePlugin {
  #transfers = new Map();
  #told = new Map();

  /**
   * Options: `its`, what every transfer works with (transfer.js); its `kind` and `fields()`; `tell(id, what)` for the
   * state of each, null at its end; `ready(upload)`; and `inWords(error)`.
   */
  constructor(uppy, options) {
    super(uppy, options);
    this.id = "MayflyUploader";
    this.type = "uploader";
  }

  install() {
    const { uppy } = this;
    uppy.setState({ capabilities: { ...uppy.getState().capabilities, resumableUploads: true } });
    uppy.addUploader((ids) => this.#upload(ids));
    uppy.on("file-removed", ({ id }) => this.#transfers.get(id)?.cancel());
    uppy.on("upload-pause", ({ id }, paused) => turn(this.#transfers.get(id), paused));
    uppy.on("pause-all", () => this.#transfers.forEach((transfer) => transfer.pause()));
    uppy.on("resume-all", () => this.#transfers.forEach((transfer) => transfer.resume()));
    this.opts.its.network.watch({
      lost: () => this.#transfers.forEach((transfer) => transfer.lost()),
      back: () => this.#transfers.forEach((transfer) => transfer.back()),
    });
  }

  get busy() {
    return this.#transfers.size > 0;
  }

  /** Bytes of all transfers under way together. */
  get bytes() {
    return [...this.#transfers.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async #upload(ids) {
    this.uppy.emit("upload-start", this.uppy.getFilesByIds(ids));
    const waiting = [...ids];
    const work = async () => {
      while (waiting.length) await this.#one(waiting.shift());
    };
    await Promise.all(Array.from({ length: TRANSFERS }, work));
  }

  async #one(id) {
    const { uppy, opts } = this;
    const file = uppy.getFile(id);
    if (!file) return; // removed while it waited
    const tell = (what) => this.#report(id, what);
    const transfer = new Transfer(file.data, { kind: opts.kind, fields: opts.fields() }, { ...opts.its, tell });
    this.#transfers.set(id, transfer);
    if (file.isPaused) transfer.pause();
    opts.tell(id, { state: "sending" });
    try {
      const upload = await transfer.run();
      uppy.emit("upload-success", uppy.getFile(id), { status: 200, body: upload, uploadURL: upload.link });
      opts.ready(upload);
    } catch (error) {
      if (error !== CANCELLED) uppy.emit("upload-error", uppy.getFile(id), new Error(opts.inWords(error)));
    } finally {
      this.#transfers.delete(id);
      this.#told.delete(id);
      opts.tell(id, null);
    }
  }

  #report(id, { bytes, ...what }) {
    if (bytes === undefined) return this.opts.tell(id, what);
    const now = Date.now();
    if (now - (this.#told.get(id) ?? 0) < REPORT) return undefined;
    this.#told.set(id, now);
    const file = this.uppy.getFile(id);
    if (!file) return undefined;
    const bytesUploaded = Math.min(bytes, Math.floor(file.size * NOT_YET_ALL));
    return this.uppy.emit("upload-progress", file, { bytesUploaded, bytesTotal: file.size });
  }
}

function turn(transfer, paused) {
  if (paused) transfer?.pause();
  else transfer?.resume();
}
