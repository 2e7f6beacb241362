// The page's status while files travel: one line of state. Screen readers hear it when its text changes.

import { make } from "./elements.js";
import { Estimate } from "./estimate.js";
import { causes } from "./sentences.js";
import { t } from "./words.js";

/** @import { Cause } from "./sentences.js" */

/**
 * A transfer's state. It waits for `why` until a time in ms; `message` is the server's, if it gave one.
 *
 * @typedef {{ state: "sending" | "checking" | "paused" }
 *   | { state: "waiting", why: Cause, until: number, message?: string }} State
 */

/**
 * All transfers together: the bytes that this page has sent so far, the bytes that remain, and whether some that were
 * lost travel again.
 *
 * @typedef {{ sent: number, left: number, again: boolean }} Progress
 */

// The line shows the first of these that some transfer is in.
const ORDER = ["sending", "waiting", "checking", "paused"];

export class Status {
  #progress;
  #sizeInWords;
  #timeInWords;
  /** @type {Map<string, State>} */
  #states = new Map();
  #estimate = new Estimate();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #last = "";
  // Screen readers announce the text when it changes; the seconds beside it are for eyes only.
  #text = make("span");
  #figure = make("span");

  /**
   * @param {object} given
   * @param {() => Progress} given.progress
   * @param {(bytes: number) => string} given.sizeInWords
   * @param {(seconds: number) => string} given.timeInWords
   */
  constructor({ progress, sizeInWords, timeInWords }) {
    this.#progress = progress;
    this.#sizeInWords = sizeInWords;
    this.#timeInWords = timeInWords;
    this.element = make("div", "upload-status");
    const line = make("p", "upload-line");
    this.#text.setAttribute("role", "status");
    this.#figure.setAttribute("aria-hidden", "true");
    line.append(this.#text, this.#figure);
    this.element.append(line);
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
      this.#estimate.forget();
    }
    this.#drawLine();
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

  /**
   * Take back a text of `finish`, if the line still has it.
   *
   * @param {string} text
   */
  retract(text) {
    if (this.#last === text) this.finish("");
  }

  #drawLine() {
    const states = [...this.#states.values()].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
    const first = states.at(0);
    if (first && first.state !== "sending") this.#estimate.forget();
    const [text, figure] = first ? this.#line(first) : [this.#last, ""];
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#figure.textContent = figure;
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
      const again = t("Trying again in {time}.", { time: `${seconds}\u00a0s` });
      return [text, ` ${again}`];
    }
    if (state.state === "checking") return [t("Putting the parts together."), ""];
    if (state.state === "paused") return [t("Paused. The parts sent so far are kept for a while."), ""];
    const { sent, left, again } = this.#progress();
    this.#estimate.note(sent);
    return [again ? t("Sending again") : t("Uploading"), this.#speedAndTime(left)];
  }

  /** @param {number} left in bytes */
  #speedAndTime(left) {
    const seconds = this.#estimate.secondsFor(left);
    if (seconds === undefined) return "";
    const speed = t("{size}/s", { size: this.#sizeInWords(this.#estimate.speed) });
    const time = t("{time} left", { time: this.#timeInWords(seconds) });
    return `, ${speed}, ${time}`;
  }
}
