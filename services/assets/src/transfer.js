// One file on its way: begin or resume, send what is missing, complete. Everything that may stand in the way ends in
// one of three: another try, an answer in words, or success. Nothing waits for ever, and nothing starts over for ever.

import { Patience } from "./backoff.js";
import { Final, Gone, Missing, Passing } from "./faults.js";
import { Parts } from "./parts.js";
import { NotSent } from "./put.js";

const WORKERS = 4;
// The server signs for 15 minutes; a URL of this age may end while its part waits for a lane.
const FRESH = 10 * 60_000;
const SIGNED_AHEAD = 8;
// How often one part may be refused with a URL that was just signed.
const REFUSALS = 5;
// How often the server may give a transfer up under one `run`, until that is told instead of sending all of it again.
const RESTARTS = 1;
// How often storage may turn out not to have what it took.
const ROUNDS = 5;
// In how many tries in a row a page must seem to be barred, until it is told.
const SUSPICIONS = 3;

/** The reason of everything that ends because its transfer was cancelled. */
export const CANCELLED = new DOMException("cancelled", "AbortError");
const PAUSED = new DOMException("paused", "AbortError");
const LOST = new DOMException("the connection is lost", "AbortError");

export class Transfer {
  #file;
  #kind;
  #fields;
  #identity;
  #its;
  #upload = null;
  #parts = null;
  #urls = new Map();
  #refusals = new Map();
  #patience = new Patience();
  #suspicions = 0;
  #signing = null;
  #waiting = null;
  #wake = () => {};
  #letGo = () => {};
  #paused = null;
  #life = new AbortController();
  #leg = new AbortController();

  /**
   * `its` are what a transfer works with, of which a test may give its own: `api`, `put`, `lanes`, `store`, `hold`,
   * `identityOf`, `network`, and `tell`, called with what happens: {state, why, until, bytes}.
   */
  constructor(file, { kind, fields }, its) {
    this.#file = file;
    this.#kind = kind;
    this.#fields = fields;
    this.#its = its;
  }

  get bytes() {
    return this.#parts?.bytes ?? 0;
  }

  /** Resolves with the ready upload. Rejects with Final, or CANCELLED. */
  async run() {
    try {
      await this.#resume();
      for (let begun = 0; ; begun++) {
        try {
          if (!this.#upload) await this.#begin();
          return await this.#finish();
        } catch (error) {
          if (!(error instanceof Gone)) throw error;
          this.#drop();
          if (begun >= RESTARTS) throw new Final({ word: "gone" });
        }
      }
    } finally {
      this.#letGo();
    }
  }

  /** Stop at once: what is on its way is called back. */
  pause() {
    if (this.#paused) return;
    this.#paused = Promise.withResolvers();
    this.#callBack(PAUSED);
    this.#its.tell({ state: "paused" });
  }

  resume() {
    this.#paused?.resolve();
    this.#paused = null;
    this.#its.tell({ state: "sending" });
    this.#wake();
  }

  /** The connection is lost: do not wait for what can only fail. */
  lost() {
    if (!this.#paused) this.#callBack(LOST);
  }

  /** The connection is back: do not wait any longer. */
  back() {
    this.#wake();
  }

  /** Give it up, and let the server drop what it has. */
  cancel() {
    this.#life.abort(CANCELLED);
    this.#paused?.resolve();
    if (this.#upload) this.#remove(this.#upload.id);
    this.#drop();
  }

  /** Go on with a transfer of this very file, if one was interrupted and the server still has it. */
  async #resume() {
    const { store, hold, api } = this.#its;
    try {
      this.#identity = await this.#its.identityOf(this.#file);
    } catch {
      throw new Final({ word: "unreadable" });
    }
    if (this.#identity === null) return;
    for (const entry of store.find(this.#kind, this.#identity)) {
      const letGo = await hold(entry.id);
      if (!letGo) continue;
      try {
        const listed = await this.#persist(() => api.parts(entry.id, this.#life.signal));
        this.#have(entry, new Parts(this.#file.size, entry.partSize), letGo);
        this.#parts.found(listed);
        this.#moved();
        return;
      } catch (error) {
        letGo();
        if (!(error instanceof Gone)) throw error;
        store.forget(entry.id);
      }
    }
  }

  async #begin() {
    const { name, size, type } = this.#file;
    const wish = { kind: this.#kind, name, size, type, ...this.#fields };
    // Without the signal: an upload whose id is lost with the answer would count for hours.
    const upload = await this.#persist(() => this.#its.api.begin(wish));
    if (this.#life.signal.aborted) {
      this.#remove(upload.id);
      throw CANCELLED;
    }
    const parts = new Parts(size, upload.transfer.part_size);
    this.#have(upload, parts, (await this.#its.hold(upload.id)) ?? (() => {}));
    this.#keep();
  }

  async #finish() {
    const { api, tell } = this.#its;
    for (let round = 0; round < ROUNDS; round++) {
      await this.#sendAll();
      tell({ state: "checking" });
      try {
        const ready = await this.#persist(() => api.complete(this.#upload.id, this.#life.signal));
        this.#drop();
        return ready;
      } catch (error) {
        if (error instanceof Missing) {
          error.numbers.forEach((number) => this.#parts.lose(number));
          this.#moved();
          continue;
        }
        if (error instanceof Gone) {
          // All of it was there, and may even have been ready and expired since. To send it again is not ours to decide.
          this.#drop();
          throw new Final({ word: "late" });
        }
        if (error instanceof Final && !error.word) this.#drop(); // refused, and removed
        throw error;
      }
    }
    throw new Final({ word: "lost" });
  }

  /** All parts into storage, several at a time. The first fault that is final ends the others. */
  async #sendAll() {
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#life.signal, stop.signal]);
    const work = async () => {
      try {
        await this.#work(signal);
      } catch (error) {
        stop.abort(error);
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
    signal.throwIfAborted();
  }

  async #work(signal) {
    for (;;) {
      await this.#goingOn(signal);
      const number = this.#parts.take();
      if (number === undefined) return;
      const fault = await this.#send(number, signal);
      if (!fault) continue;
      try {
        await this.#consider(fault, number, signal);
      } finally {
        if (!this.#parts.has(number)) this.#parts.lose(number); // from here on anybody's again
      }
    }
  }

  /** One part, once. Returns what went wrong, if something did. */
  async #send(number, signal) {
    const { lanes, put, network } = this.#its;
    const leg = AbortSignal.any([signal, this.#leg.signal]);
    let era;
    let failed;
    try {
      era = await lanes.take(leg);
      const target = await this.#target(number, leg);
      const moved = (bytes) => {
        this.#parts.moved(number, bytes);
        this.#moved();
      };
      await put(target, this.#file.slice(...this.#parts.range(number)), { signal: leg, moved });
      failed = false;
      network.prove(target.url);
      this.#parts.arrive(number);
      this.#refusals.delete(number);
      this.#patience.renew();
      this.#suspicions = 0;
      this.#keep();
      return null;
    } catch (error) {
      this.#parts.moved(number, 0);
      if (!leg.aborted || leg.reason === LOST) failed = true;
      return leg.aborted ? leg.reason : error;
    } finally {
      if (era !== undefined) lanes.release(era, failed);
      this.#moved();
    }
  }

  /** After a fault: return to try again, or raise. */
  async #consider(fault, number, signal) {
    signal.throwIfAborted();
    if (fault === PAUSED) return;
    if (fault instanceof NotSent) {
      const target = this.#urls.get(number);
      this.#urls.delete(number); // whatever failed, the next try has a new one
      fault.url = target?.url;
      if (fault.status === 403) {
        if (!fresh(target)) return;
        const refused = (this.#refusals.get(number) ?? 0) + 1;
        this.#refusals.set(number, refused);
        if (refused >= REFUSALS) throw new Final({ word: "refused" });
      } else if (fault.status === 404 || fault.moved === this.#parts.sizeOf(number)) {
        // Is the transfer still there (Gone is raised where not), and has the part come though no answer did?
        this.#parts.found(await this.#persist(() => this.#its.api.parts(this.#upload.id, signal)));
        if (this.#parts.has(number)) return this.#keep();
      }
    } else if (fault !== LOST && !(fault instanceof Passing)) {
      throw fault;
    }
    await this.#wait(fault);
  }

  /** Where to send a part. Signed for some parts ahead, and anew when old: 20 minutes of sleep change nothing. */
  async #target(number, signal) {
    while (!fresh(this.#urls.get(number))) {
      if (this.#signing) {
        await this.#signing.catch(() => {}); // its own caller deals with that
        signal.throwIfAborted();
        continue;
      }
      const at = Date.now();
      const ahead = this.#parts
        .missing(SIGNED_AHEAD)
        .filter((other) => other !== number && !fresh(this.#urls.get(other)));
      this.#signing = this.#its.api.sign(this.#upload.id, [number, ...ahead], signal).finally(() => {
        this.#signing = null;
      });
      for (const { number: signed, url, headers } of await this.#signing) this.#urls.set(signed, { url, headers, at });
      if (!this.#urls.has(number)) throw new Passing("server");
    }
    return this.#urls.get(number);
  }

  /** Repeat a call to the API until it is answered. */
  async #persist(call) {
    for (;;) {
      await this.#goingOn(this.#life.signal);
      try {
        return await call();
      } catch (error) {
        this.#life.signal.throwIfAborted();
        if (!(error instanceof Passing)) throw error;
        await this.#wait(error);
      }
    }
  }

  /** Back off. Faults that come together wait together, and count as one. */
  #wait(fault) {
    this.#waiting ??= this.#backOff(fault).finally(() => {
      this.#waiting = null;
    });
    return this.#waiting;
  }

  async #backOff(fault) {
    const why = await this.#why(fault);
    const pause = this.#patience.next({ free: why === "offline" });
    if (pause === null) throw new Final({ word: "gaveUp", values: { why, message: fault.details?.message } });
    const wait = Math.max(pause, fault.retryAfter ?? 0);
    if (!this.#paused)
      this.#its.tell({ state: "waiting", why, until: Date.now() + wait, message: fault.details?.message });
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#life.signal.addEventListener("abort", this.#wake, { once: true });
    });
    this.#life.signal.removeEventListener("abort", this.#wake);
    this.#life.signal.throwIfAborted();
    if (!this.#paused) this.#its.tell({ state: "sending" });
  }

  /** In a word, for people: what a fault seems to come from. Raises Final where no other try can help. */
  async #why(fault) {
    const { network } = this.#its;
    if (!network.online) return "offline";
    if (fault instanceof Passing) return fault.why;
    if (fault === LOST) return "connection";
    if (fault.stalled) return "stalled";
    if (fault.status) return "storage";
    try {
      await this.#file.slice(0, 1).arrayBuffer();
    } catch {
      throw new Final({ word: "unreadable" }); // changed or removed on disk: browsers do not tell why they send nothing
    }
    const reason = fault.url ? await network.reason(fault.url) : "connection";
    if (reason !== "barred") return reason;
    if (++this.#suspicions >= SUSPICIONS) {
      throw new Final({ word: "barred", values: { origin: new URL(fault.url).origin } });
    }
    return "storage";
  }

  async #goingOn(signal) {
    while (this.#paused && !signal.aborted) await this.#paused.promise;
    signal.throwIfAborted();
  }

  #callBack(reason) {
    this.#leg.abort(reason);
    this.#leg = new AbortController();
  }

  #have(upload, parts, letGo) {
    this.#upload = upload;
    this.#parts = parts;
    this.#letGo = letGo;
    this.#urls.clear();
    this.#refusals.clear();
  }

  #keep() {
    if (this.#identity === null || this.#parts.count === 1) return;
    this.#its.store.keep({
      id: this.#upload.id,
      kind: this.#kind,
      identity: this.#identity,
      size: this.#file.size,
      partSize: this.#parts.partSize,
      stored: this.#parts.stored,
    });
  }

  #drop() {
    if (this.#upload) this.#its.store.forget(this.#upload.id);
    this.#upload = null;
    this.#letGo();
  }

  #remove(id) {
    this.#its.api.remove(id).catch(() => {}); // the server drops it after its deadline by itself
  }

  #moved() {
    this.#its.tell({ bytes: this.bytes });
  }
}

function fresh(target) {
  return target !== undefined && Date.now() - target.at < FRESH;
}
