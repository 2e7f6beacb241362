// Takes the files that a visitor chooses: each is checked, refused with a way out, or sent, alone or under one link with
// the others.

import { disguised, objection } from "./checks.js";
import { isSame } from "./identity.js";
import { newest } from "./newest.js";
import { visible } from "./visible.js";
import { t, tn } from "./words.js";

/** @import { Api, Changes } from "./api.js" */
/** @import { Bundle } from "./bundle.js" */
/** @import { Choices, Kept } from "./choices.js" */
/** @import { Settings } from "./form.js" */
/** @import { Interrupted, Resumed } from "./interrupted.js" */
/** @import { Messages } from "./messages.js" */
/** @import { Fault } from "./sentences.js" */
/** @import { Item, Uploader } from "./uploader.js" */

/**
 * The wish of a visitor for the files that they choose together; `together` is one link for all.
 *
 * @typedef {{ fields: Changes, choices: Choices, kept: Kept, together: boolean }} Wish
 */

/** @typedef {{ files: File[], resumed?: Resumed }} Group files under one link */

const REFUSED = "refused";
// In ms. Without the names of the images that will be deleted, the upload begins all the same.
const LONGEST_LOOK = 3000;
// A bundle counts as one image, so more of them are asked for than stay. The server gives no more at a time.
const LOOKED_AT = 50;
/** @type {ReadonlySet<Fault>} faults of an image that a file does not have */
const FOR_IMAGES = new Set(["heic", "notImage", "tooLarge"]);

export class Choosing {
  #settings;
  #api;
  #uploader;
  #messages;
  #say;
  #names;
  #again;
  #interrupted;
  #bundle;
  #last = Promise.resolve(true);
  #count = 0;

  /**
   * @param {object} given
   * @param {Settings} given.settings
   * @param {Pick<Api, "list">} given.api
   * @param {Uploader} given.uploader
   * @param {Messages} given.messages
   * @param {(fault: Fault, kind: "image" | "file", files: number) => string} given.say
   * @param {(names: string[]) => string} given.names in words
   * @param {(files: File[]) => void} given.again takes refused images as files
   * @param {Pick<Interrupted, "claim" | "has">} given.interrupted
   * @param {(group: Group, kind: "image" | "file", wish: Wish) => Bundle} given.bundle makes one of a group
   */
  constructor({ settings, api, uploader, messages, say, names, again, interrupted, bundle }) {
    this.#settings = settings;
    this.#api = api;
    this.#uploader = uploader;
    this.#messages = messages;
    this.#say = say;
    this.#names = names;
    this.#again = again;
    this.#interrupted = interrupted;
    this.#bundle = bundle;
  }

  /**
   * Send those of these files that can be sent, after those that were chosen before. Resolves with whether any is.
   *
   * @param {File[]} files
   * @param {"image" | "file"} kind
   * @param {Wish} wish
   */
  take(files, kind, wish) {
    this.#messages.forgive((id) => id.startsWith(REFUSED));
    this.#messages.notice("left", "");
    const before = this.#last.catch(() => {}); // its own caller hears of a mistake
    this.#last = before.then(() => this.#take(files, kind, wish));
    return this.#last;
  }

  /**
   * @param {File[]} files
   * @param {"image" | "file"} kind
   * @param {Wish} wish
   */
  async #take(files, kind, wish) {
    const faults = await Promise.all(files.map((file) => this.#faultOf(file, kind)));
    /** @type {File[]} */
    const good = [];
    for (const [place, file] of files.entries()) {
      const fault = faults[place] ?? ((await this.#isHere(file, kind, good)) ? "twice" : null);
      if (fault) this.#refuse(file, fault, kind);
      else good.push(file);
    }
    const groups = await this.#grouped(good, kind, wish);
    const sent = kind === "image" ? await this.#fitting(groups) : groups;
    for (const group of sent) this.#send(group, kind, wish);
    return sent.length > 0;
  }

  /**
   * Which files get a link of their own, and which share one. Those that were interrupted go on as they began.
   *
   * @param {File[]} files
   * @param {"image" | "file"} kind
   * @param {Wish} wish
   * @returns {Promise<Group[]>}
   */
  async #grouped(files, kind, { kept, together }) {
    const { groups, arrived, rest } = await this.#interrupted.claim(files, kept);
    for (const file of arrived) this.#refuse(file, "twice", kind);
    const alone = rest.filter((file) => !together || this.#interrupted.has(file, kept));
    const others = rest.filter((file) => !alone.includes(file));
    return [...groups, ...alone.map((file) => ({ files: [file] })), ...(others.length ? [{ files: others }] : [])];
  }

  /**
   * @param {Group} group
   * @param {"image" | "file"} kind
   * @param {Wish} wish
   */
  #send(group, kind, wish) {
    const { fields, choices, kept } = wish;
    if (group.files.length === 1 && !group.resumed) {
      this.#uploader.send(group.files[0], kind, fields, { choices, kept });
      return;
    }
    // Title, lifetime, limit and password are the bundle's.
    const own = choices.metadata ? { metadata: choices.metadata } : {};
    const bundle = this.#bundle(group, kind, wish);
    for (const file of group.files) this.#uploader.send(file, kind, {}, { choices: own, kept: own, bundle });
  }

  /**
   * @param {File} file
   * @param {"image" | "file"} kind
   * @returns {Promise<Fault | null>}
   */
  async #faultOf(file, kind) {
    const isImage = kind === "image";
    const fault = objection(file, { most: this.#settings.most[kind], types: isImage ? this.#settings.types : [] });
    if (fault || !isImage) return fault;
    return disguised(file).catch(() => "unreadable");
  }

  /**
   * Whether a file is on its way already, or was chosen twice.
   *
   * @param {File} file
   * @param {string} kind
   * @param {File[]} before
   */
  async #isHere(file, kind, before) {
    const underway = this.#uploader.items.filter((item) => item.kind === kind && item.is.state !== "failed");
    for (const other of [...underway.map((item) => item.file), ...before]) {
      if (await isSame(file, other)) return true;
    }
    return false;
  }

  /**
   * @param {File} file
   * @param {Fault} fault
   * @param {"image" | "file"} kind
   */
  #refuse(file, fault, kind) {
    const { most } = this.#settings;
    const asFile = kind === "image" && FOR_IMAGES.has(fault) && file.size <= most.file;
    this.#messages.fault({
      id: `${REFUSED} ${++this.#count}`,
      file,
      name: visible(file.name),
      text: (n) => this.#say(fault, kind, n),
      solution: asFile
        ? { words: (n) => tn("Send as a file", "Send {n} as files", n), solve: (files) => this.#again(files) }
        : undefined,
    });
  }

  /**
   * Those of the chosen images that fit. Says which are left out, and which of those that are here will be deleted. A
   * bundle counts as one image.
   *
   * @param {Group[]} chosen
   */
  async #fitting(chosen) {
    const { kept } = this.#settings;
    if (!kept || !chosen.length) return chosen;
    const listed = await this.#api.list("image", LOOKED_AT, AbortSignal.timeout(LONGEST_LOOK)).catch(() => []);
    const here = units(listed.reverse(), ({ id, bundle }) => bundle ?? id).slice(-kept);
    const items = this.#uploader.items.filter((item) => item.kind === "image" && item.is.state !== "failed");
    const underway = units(items, ({ id, bundle }) => bundle ?? id);
    const { sent, left, stopped, deleted } = newest(kept, { here, underway, chosen });
    const out = [
      ...stopped.flat().map(({ name }) => name),
      ...left.flatMap(({ files }) => files).map(({ name }) => visible(name)),
    ];
    this.#messages.notice(
      "left",
      out.length
        ? tn("One image fits. Left out: {names}.", "{n} images fit. Left out: {names}.", kept, {
            names: this.#names(out),
          })
        : "",
    );
    const gone = deleted.flat().map(({ title, name }) => title || name);
    this.#messages.notice(
      "deleted",
      gone.length ? t("Deleted once the upload is complete: {names}.", { names: this.#names(gone) }) : "",
    );
    for (const { resumed } of left) resumed?.release();
    for (const item of stopped.flat()) this.#stop(item);
    return sent;
  }

  /** @param {Item} item */
  #stop(item) {
    if (item.bundle) item.bundle.cancel();
    else this.#uploader.cancel(item);
  }
}

/**
 * The groups of those with the same key, each where its first one is.
 *
 * @template T
 * @param {T[]} all
 * @param {(one: T) => unknown} key
 */
function units(all, key) {
  /** @type {Map<unknown, T[]>} */
  const groups = new Map();
  for (const one of all) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return [...groups.values()];
}
