// One file's transfer: begin or resume, send what is missing, complete. Every obstacle leads to one of three results:
// another try, an answer in words, or success. Nothing waits for ever, and nothing starts over for ever.

import { newKey } from "./api.js";
import { covers } from "./choices.js";
import { CANCELLED, Final, Gone, LOST, Missing, PAUSED } from "./faults.js";
import { Parts } from "./parts.js";
import { Pause } from "./pause.js";
import { Retries } from "./retries.js";
import { Sending } from "./sending.js";

/** @import { Api, Changes, Upload } from "./api.js" */
/** @import { Choices, Kept } from "./choices.js" */
/** @import { identityOf } from "./identity.js" */
/** @import { Lanes } from "./lanes.js" */
/** @import { Network } from "./network.js" */
/** @import { put } from "./put.js" */
/** @import { State } from "./status.js" */
/** @import { Entry, Store, claimTransfer } from "./store.js" */

/**
 * The services that a transfer uses; a test may give its own. `turn` resolves when the upload may complete. `report` is
 * called with each new state; and with the bytes sent, those that storage has, the choices, and the link, if it is known.
 *
 * @typedef {object} Services
 * @property {Pick<Api, "begin" | "sign" | "parts" | "complete" | "change" | "remove">} api
 * @property {typeof put} put
 * @property {Lanes} lanes
 * @property {Pick<Store, "find" | "keep" | "forget">} store
 * @property {typeof claimTransfer} claimTransfer
 * @property {typeof identityOf} identityOf
 * @property {Pick<Network, "online" | "reason" | "prove">} network
 * @property {() => Promise<void>} turn
 * @property {(report: State | { bytes: number, stored: number, kept: Kept, link?: string }) => void} report
 */

/**
 * The upload that is wanted of a file: `fields` may change while it travels, and `choices` may not. `kept` are the choices
 * as the browser keeps them.
 *
 * @typedef {object} Wanted
 * @property {string} kind
 * @property {Changes} fields
 * @property {Choices} [choices]
 * @property {Kept} [kept]
 * @property {{ id: string, open: () => Promise<string> } | null} [bundle] that it belongs to; its id is empty until it is open
 */

/**
 * The upload that a transfer works on now. `release` ends this tab's claim.
 *
 * @typedef {{ id: string, link?: string, parts: Parts, sending: Sending, release: () => void }} Current
 */

// Under one `run`, send everything again at most so often after the server gave a transfer up.
const RESTARTS = 1;
// Storage may turn out so often not to have what it took.
const ROUNDS = 5;

export class Transfer {
  #file;
  #kind;
  #fields;
  #choices;
  /** The choices that the upload has which the transfer works on. */
  #kept;
  #wanted;
  #bundle;
  #services;
  /** @type {string | null} */
  #identity = null;
  /** @type {Current | null} */
  #current = null;
  #bytes = 0;
  #sent = 0;
  #pause = new Pause();
  #life = new AbortController();
  #retries;

  /**
   * @param {File} file
   * @param {Wanted} wanted
   * @param {Services} services
   */
  constructor(file, { kind, fields, choices = {}, kept = {}, bundle = null }, services) {
    this.#file = file;
    this.#kind = kind;
    this.#fields = fields;
    this.#choices = choices;
    this.#wanted = kept;
    this.#kept = kept;
    this.#bundle = bundle;
    this.#services = services;
    const { network, report } = services;
    this.#retries = new Retries({ file, network, report, pause: this.#pause, signal: this.#life.signal });
  }

  /** The size of the file, in bytes. */
  get size() {
    return this.#file.size;
  }

  /** How many bytes storage has, and how many are on their way there. */
  get bytes() {
    return this.#current?.parts.bytes ?? this.#bytes;
  }

  /** How many bytes have travelled from here, those that have to travel again too. */
  get sent() {
    return this.#sent + (this.#current?.parts.sent ?? 0);
  }

  /**
   * Resolves with the ready upload. Rejects with Final, or CANCELLED.
   *
   * @returns {Promise<Upload>}
   */
  async run() {
    try {
      await this.#resume();
      for (let restarts = 0; ; restarts++) {
        try {
          return await this.#finish(this.#current ?? (await this.#begin()));
        } catch (error) {
          if (!(error instanceof Gone)) throw error;
          this.#drop();
          if (restarts >= RESTARTS) throw new Final({ fault: "gone" });
          // We do not have the password of one that was resumed, so a new one would be open to all.
          if (!covers(this.#wanted, this.#kept)) throw new Final({ fault: "late" });
        }
      }
    } finally {
      this.#current?.release();
    }
  }

  /** Stop at once, and abort the parts that travel. */
  pause() {
    if (this.#pause.on) return;
    this.#pause.begin();
    this.#current?.sending.callBack(PAUSED);
    this.#services.report({ state: "paused" });
  }

  resume() {
    this.#pause.end();
    this.#services.report({ state: "sending" });
    this.#retries.wake();
  }

  /** The connection is lost: do not wait for what can only fail. */
  lost() {
    if (!this.#pause.on) this.#current?.sending.callBack(LOST);
  }

  /** The connection is back: do not wait any longer. */
  back() {
    this.#retries.wake();
  }

  /**
   * Let the server know other fields. Raises what `Api.change` raises.
   *
   * @param {Changes} changes
   */
  async edit(changes) {
    this.#fields = { ...this.#fields, ...changes };
    if (this.#current) await this.#services.api.change(this.#current.id, changes); // else `begin` has them
  }

  /** Give the transfer up, and let the server drop what it has. */
  cancel() {
    this.#life.abort(CANCELLED);
    this.#pause.end();
    if (this.#current) this.#remove(this.#current.id);
    this.#drop();
  }

  /** Continue an interrupted transfer of this very file, if there is one and the server still has it. */
  async #resume() {
    const { store, claimTransfer, api, identityOf } = this.#services;
    try {
      this.#identity = await identityOf(this.#file);
    } catch {
      throw new Final({ fault: "unreadable" });
    }
    if (this.#identity === null) return;
    const own = this.#bundle ? this.#bundle.id || null : ""; // nothing can be interrupted of a bundle that is not open
    const found = store
      .find(this.#kind, this.#identity)
      .filter(({ bundle = "", choices = {} }) => bundle === own && covers(choices, this.#wanted));
    for (const entry of found) {
      const release = await claimTransfer(entry.id);
      if (!release) continue; // another tab sends it
      try {
        const listed = await this.#retries.persist(() => api.parts(entry.id, this.#life.signal));
        const { parts } = this.#have(entry, entry.partSize, release);
        this.#kept = entry.choices ?? {};
        parts.found(listed);
        this.#reportBytes();
        this.#rename(this.#fields);
        return;
      } catch (error) {
        release();
        if (!(error instanceof Gone)) throw error;
        store.forget(entry.id);
      }
    }
  }

  async #begin() {
    const { api, claimTransfer, lanes } = this.#services;
    const { name, size, type } = this.#file;
    // All tries have one key, and no signal, so that a lost answer leaves no second upload, which would count for hours.
    const key = newKey();
    let given = /** @type {Changes | undefined} */ (undefined);
    // With a lane, which the first part takes over: the server gives up an upload of which nothing arrives.
    const { upload, lane } = await this.#retries.persist(async () => {
      const lane = await lanes.take(this.#life.signal);
      try {
        given ??= this.#fields;
        const bundle = await this.#bundle?.open();
        const more = { ...given, ...this.#choices, ...(bundle && { bundle }) };
        return { upload: await api.begin({ kind: this.#kind, name, size, type, ...more }, key), lane };
      } catch (error) {
        lanes.release(lane);
        throw error;
      }
    });
    if (this.#life.signal.aborted) {
      lanes.release(lane);
      this.#remove(upload.id);
      throw CANCELLED;
    }
    const release = (await claimTransfer(upload.id)) ?? (() => {});
    const current = this.#have(upload, upload.transfer.part_size, release, lane);
    current.sending.know(upload.transfer.first ?? []);
    this.#keep(current);
    if (this.#fields !== given) this.#rename(this.#fields); // the visitor changed them meanwhile
    return current;
  }

  /** @param {Current} current */
  async #finish({ id, parts, sending }) {
    const { api, report, turn } = this.#services;
    for (let round = 0; round < ROUNDS; round++) {
      await sending.all(this.#life.signal);
      report({ state: "checking" });
      await turn();
      try {
        const upload = await this.#retries.persist(() => api.complete(id, this.#life.signal, sending.etag));
        this.#drop();
        return upload;
      } catch (error) {
        if (error instanceof Missing) {
          for (const number of error.numbers) parts.lose(number);
          this.#reportBytes();
          continue;
        }
        if (error instanceof Gone) {
          // All of it had arrived, and it may even have expired since. Sending it again is the visitor's choice.
          this.#drop();
          throw new Final({ fault: "late" });
        }
        if (error instanceof Final && !error.fault) this.#drop(); // the server refused and removed it
        throw error;
      }
    }
    throw new Final({ fault: "lost" });
  }

  /**
   * Work on this upload from now on.
   *
   * @param {{ id: string, link?: string }} upload
   * @param {number} partSize
   * @param {() => void} release
   * @param {number} [lane] that its first part takes over
   */
  #have({ id, link }, partSize, release, lane) {
    const parts = new Parts(this.#file.size, partSize);
    const changed = (/** @type {boolean} */ stored) => {
      if (stored && current === this.#current) this.#keep(current); // else it was given up meanwhile
      this.#reportBytes();
    };
    const sending = new Sending({
      id,
      parts,
      changed,
      lane,
      file: this.#file,
      services: this.#services,
      pause: this.#pause,
      retries: this.#retries,
    });
    const current = { id, link, parts, sending, release };
    this.#current = current;
    return current;
  }

  /**
   * Remember in the browser what would be needed to resume. An upload of one part has nothing to resume.
   *
   * @param {Current} current
   */
  #keep({ id, link, parts }) {
    if (this.#identity === null || parts.count === 1) return;
    this.#services.store.keep({
      id,
      link,
      kind: this.#kind,
      identity: this.#identity,
      size: this.#file.size,
      partSize: parts.partSize,
      stored: parts.stored,
      ...(this.#bundle && { bundle: this.#bundle.id }),
      ...(Object.keys(this.#kept).length && { choices: this.#kept }),
    });
  }

  /** Forget the upload, in the browser too. */
  #drop() {
    if (!this.#current) return;
    this.#bytes = this.#current.parts.bytes;
    this.#sent += this.#current.parts.sent;
    this.#services.store.forget(this.#current.id);
    this.#current.release();
    this.#current = null;
  }

  /**
   * Give the upload the title and lifetime that were chosen with the file. It arrives without them, too.
   *
   * @param {Changes} fields
   */
  #rename(fields) {
    if (this.#current && Object.keys(fields).length)
      this.#services.api.change(this.#current.id, fields).catch(() => {});
  }

  /** @param {string} id */
  #remove(id) {
    this.#services.api.remove(id).catch(() => {}); // the server drops it after its deadline by itself
  }

  #reportBytes() {
    const { parts, link } = this.#current ?? {};
    this.#services.report({ bytes: this.bytes, stored: parts?.stored ?? 0, kept: this.#kept, link });
  }
}
