// Takes the files that a visitor chooses: each is checked, refused with a way out, or sent.

import { disguised, objection } from "./checks.js";
import { isSame } from "./identity.js";
import { newest } from "./newest.js";
import { visible } from "./visible.js";
import { t, tn } from "./words.js";

/** @import { Api, Changes } from "./api.js" */
/** @import { Settings } from "./form.js" */
/** @import { Messages } from "./messages.js" */
/** @import { Fault } from "./sentences.js" */
/** @import { Uploader } from "./uploader.js" */

const REFUSED = "refused";
// In ms. Without the names of the images that will be deleted, the upload begins all the same.
const LONGEST_LOOK = 3000;
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
   */
  constructor({ settings, api, uploader, messages, say, names, again }) {
    this.#settings = settings;
    this.#api = api;
    this.#uploader = uploader;
    this.#messages = messages;
    this.#say = say;
    this.#names = names;
    this.#again = again;
  }

  /**
   * Send those of these files that can be sent, after those that were chosen before. Resolves with whether any is.
   *
   * @param {File[]} files
   * @param {"image" | "file"} kind
   * @param {Changes} fields
   */
  take(files, kind, fields) {
    this.#messages.forgive((id) => id.startsWith(REFUSED));
    this.#messages.notice("left", "");
    const before = this.#last.catch(() => {}); // its own caller hears of a mistake
    this.#last = before.then(() => this.#take(files, kind, fields));
    return this.#last;
  }

  /**
   * @param {File[]} files
   * @param {"image" | "file"} kind
   * @param {Changes} fields
   */
  async #take(files, kind, fields) {
    const faults = await Promise.all(files.map((file) => this.#faultOf(file, kind)));
    /** @type {File[]} */
    const good = [];
    for (const [place, file] of files.entries()) {
      const fault = faults[place] ?? ((await this.#isHere(file, kind, good)) ? "twice" : null);
      if (fault) this.#refuse(file, fault, kind);
      else good.push(file);
    }
    const sent = kind === "image" ? await this.#fitting(good) : good;
    for (const file of sent) this.#uploader.send(file, kind, fields);
    return sent.length > 0;
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
   * Those of the chosen images that fit. Says which are left out, and which of those that are here will be deleted.
   *
   * @param {File[]} chosen
   */
  async #fitting(chosen) {
    const { kept } = this.#settings;
    if (!kept || !chosen.length) return chosen;
    const listed = await this.#api.list("image", kept, AbortSignal.timeout(LONGEST_LOOK)).catch(() => []);
    const here = listed.reverse();
    const underway = this.#uploader.items.filter((item) => item.kind === "image" && item.is.state !== "failed");
    const { sent, left, stopped, deleted } = newest(kept, { here, underway, chosen });
    const out = [...stopped.map(({ name }) => name), ...left.map(({ name }) => visible(name))];
    this.#messages.notice(
      "left",
      out.length
        ? tn("One image fits. Left out: {names}.", "{n} images fit. Left out: {names}.", kept, {
            names: this.#names(out),
          })
        : "",
    );
    const gone = deleted.map(({ title, name }) => title || name);
    this.#messages.notice(
      "deleted",
      gone.length ? t("Deleted once the upload is complete: {names}.", { names: this.#names(gone) }) : "",
    );
    for (const item of stopped) this.#uploader.cancel(item);
    return sent;
  }
}
