// The page's status while files travel: one line of state, and a list of faults, which stay until the visitor deals with
// them.

import { make } from "./elements.js";
import { causes } from "./sentences.js";
import { Speed } from "./speed.js";
import { t } from "./words.js";

/** @import { Cause } from "./sentences.js" */

/**
 * A transfer's state. It waits for `why` until a time in ms; `message` is the server's, if it gave one.
 *
 * @typedef {{ state: "sending" | "checking" | "paused" }
 *   | { state: "waiting", why: Cause, until: number, message?: string }} State
 */

// The line shows the first of these that some transfer is in.
const ORDER = ["sending", "waiting", "checking", "paused"];

export class Status {
  #bytes;
  #sizeInWords;
  /** @type {Map<string, State>} */
  #states = new Map();
  /** @type {Map<string, string>} */
  #faults = new Map();
  #speed = new Speed();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #last = "";
  // Screen readers announce the text when it changes; the seconds beside it are for eyes only.
  #text = make("span");
  #figure = make("span");
  #list = make("ul", "upload-faults");

  /**
   * @param {() => number} bytes how many of all transfers have been sent
   * @param {(bytes: number) => string} sizeInWords
   */
  constructor(bytes, sizeInWords) {
    this.#bytes = bytes;
    this.#sizeInWords = sizeInWords;
    this.element = make("div", "upload-status");
    const line = make("p", "upload-line");
    this.#text.setAttribute("role", "status");
    this.#figure.setAttribute("aria-hidden", "true");
    line.append(this.#text, this.#figure);
    this.#list.setAttribute("role", "alert");
    this.element.append(line, this.#list);
  }

  /**
   * A transfer's new state; null when it has ended.
   *
   * @param {string} id
   * @param {State | null} state
   */
  change(id, state) {
    if (state) {
      this.#states.set(id, state);
      this.#last = "";
    } else {
      this.#states.delete(id);
    }
    if (this.#states.size) {
      this.#timer ??= setInterval(() => this.#drawLine(), 1000);
    } else {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#speed = new Speed();
    }
    this.#drawLine();
  }

  /**
   * Show a fault until `forgive` takes it away.
   *
   * @param {string} id
   * @param {string} text
   */
  fault(id, text) {
    this.#faults.set(id, text);
    this.#drawFaults();
  }

  /** @param {(id: string) => boolean} dealtWith */
  forgive(dealtWith) {
    for (const id of [...this.#faults.keys()].filter(dealtWith)) this.#faults.delete(id);
    this.#drawFaults();
  }

  /**
   * Show a text as soon as nothing is under way, until something is again.
   *
   * @param {string} text
   */
  finish(text) {
    this.#last = text;
    this.#drawLine();
  }

  #drawLine() {
    const states = [...this.#states.values()].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
    const first = states.at(0);
    if (first) this.#speed.note(this.#bytes());
    const [text, figure] = first ? this.#line(first) : [this.#last, ""];
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#figure.textContent = figure && `${text ? ", " : ""}${figure}`;
  }

  /**
   * A state in words, and the figure beside it.
   *
   * @param {State} state
   * @returns {[string, string]}
   */
  #line(state) {
    if (state.state === "waiting") {
      const text = state.message ?? causes[state.why]();
      if (state.why === "offline") return [text, ""];
      const seconds = Math.max(1, Math.ceil((state.until - Date.now()) / 1000));
      return [text, t("trying again in {seconds} s", { seconds })];
    }
    if (state.state === "checking") return [t("Checking the upload"), ""];
    if (state.state === "paused") return [t("Paused. The parts sent so far are kept for a while."), ""];
    const speed = this.#speed.value;
    return [t("Uploading"), speed > 0 ? t("{size}/s", { size: this.#sizeInWords(speed) }) : ""];
  }

  #drawFaults() {
    this.#list.replaceChildren(...[...this.#faults.values()].map((text) => make("li", "", text)));
  }
}
