// Messages that stay until the visitor deals with them: faults of files, one message for all that share a sentence, and
// what the visitor should know before their files travel.

import { make } from "./elements.js";
import { about } from "./sentences.js";
import { t } from "./words.js";

/**
 * A fault of one file. Those with the same text for one file share a message, whose text is the one for so many. `solve`
 * is offered as a button with these words; it is given all files that share the message.
 *
 * @typedef {object} Trouble
 * @property {string} id
 * @property {string} name
 * @property {(files: number) => string} text
 * @property {File} [file]
 * @property {Solution} [solution]
 */

/** @typedef {{ words: (files: number) => string, solve: (files: File[]) => void }} Solution */

export class Messages {
  #names;
  /** @type {Trouble[]} */
  #troubles = [];
  /** @type {Map<string, string>} */
  #notices = new Map();
  #list = make("ul", "upload-faults");

  /** @param {(names: string[]) => string} names in words */
  constructor(names) {
    this.#names = names;
    this.element = make("div");
    this.element.setAttribute("role", "alert");
    this.element.append(this.#list);
  }

  /** Whether a fault is shown. */
  get hasFaults() {
    return this.#troubles.length > 0;
  }

  /**
   * Show a fault until `forgive` takes it away.
   *
   * @param {Trouble} trouble
   */
  fault(trouble) {
    this.#troubles = [...this.#troubles.filter(({ id }) => id !== trouble.id), trouble];
    this.#draw();
  }

  /** @param {(id: string) => boolean} dealtWith */
  forgive(dealtWith) {
    const left = this.#troubles.filter(({ id }) => !dealtWith(id));
    if (left.length === this.#troubles.length) return;
    this.#troubles = left;
    this.#draw();
  }

  /**
   * Show a text that is no fault, in place of the one with this key.
   *
   * @param {string} key
   * @param {string} text none takes it away
   */
  notice(key, text) {
    if ((this.#notices.get(key) ?? "") === text) return;
    if (text) this.#notices.set(key, text);
    else this.#notices.delete(key);
    this.#draw();
  }

  #draw() {
    const texts = new Set(this.#troubles.map(({ text }) => text(1)));
    const rows = [...texts].map((text) => this.#row(this.#troubles.filter((trouble) => trouble.text(1) === text)));
    const notices = [...this.#notices].map(([key, text]) => {
      const row = make("li", "notice", text);
      row.append(this.#close(() => this.notice(key, "")));
      return row;
    });
    this.#list.replaceChildren(...notices, ...rows);
  }

  /** @param {Trouble[]} troubles that share a text */
  #row(troubles) {
    const text = troubles[0].text(troubles.length);
    const row = make("li", "", about(this.#names(troubles.map(({ name }) => name)), text));
    const ids = new Set(troubles.map(({ id }) => id));
    const forgive = () => this.forgive((id) => ids.has(id));
    const files = troubles.flatMap(({ file }) => file ?? []);
    const solution = troubles.at(0)?.solution;
    if (solution) {
      const button = make("button", "", solution.words(files.length));
      button.type = "button";
      button.addEventListener("click", () => {
        forgive();
        solution.solve(files);
      });
      row.append(" ", button);
    }
    row.append(this.#close(forgive));
    return row;
  }

  /** @param {() => void} close */
  #close(close) {
    const button = make("button", "close quiet", "×");
    button.type = "button";
    button.setAttribute("aria-label", t("Close"));
    button.addEventListener("click", () => {
      close();
      const choose = document.querySelector(".upload-choose");
      if (choose instanceof HTMLElement) choose.focus();
    });
    return button;
  }
}
