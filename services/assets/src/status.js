// What the page says while files travel: one line of state, and a list of what went wrong, which stays until it is dealt
// with.

import { Speed } from "./speed.js";

// The first of these that some transfer is in is what the line says.
const ORDER = ["sending", "waiting", "checking", "paused"];

export class Status {
  #words;
  #states = new Map();
  #faults = new Map();
  #speed = new Speed();
  #bytes;
  #timer = null;
  #last = "";

  /** `bytes()`: how many of all transfers have been sent. */
  constructor(words, bytes) {
    this.#words = words;
    this.#bytes = bytes;
    this.element = make("div", "upload-status");
    this.line = make("p", "upload-line");
    // Announced when it changes; the seconds beside it are for eyes only.
    this.said = make("span");
    this.said.setAttribute("role", "status");
    this.count = make("span");
    this.count.setAttribute("aria-hidden", "true");
    this.line.append(this.said, this.count);
    this.faults = make("ul", "upload-faults");
    this.faults.setAttribute("role", "alert");
    this.element.append(this.line, this.faults);
    this.#draw();
  }

  /** A transfer's state: {state, why, until}; null when it has ended. */
  tell(id, what) {
    if (what) {
      this.#states.set(id, what);
      this.#last = "";
    } else {
      this.#states.delete(id);
    }
    if (this.#states.size && !this.#timer) this.#timer = setInterval(() => this.#draw(), 1000);
    if (!this.#states.size) {
      clearInterval(this.#timer);
      this.#timer = null;
      this.#speed = new Speed();
    }
    this.#draw();
  }

  /** Something to read until its file is dealt with: `forgive`. */
  fault(id, text) {
    this.#faults.set(id, text);
    this.#drawFaults();
  }

  forgive(dealtWith) {
    for (const id of [...this.#faults.keys()].filter(dealtWith)) this.#faults.delete(id);
    this.#drawFaults();
  }

  /** Said once nothing is under way any more, until something is. */
  say(text) {
    this.#last = text;
    this.#draw();
  }

  #draw() {
    const states = [...this.#states.values()];
    if (!states.length) return this.#say(this.#last, "");
    this.#speed.note(this.#bytes());
    const [{ state, why, until, message }] = states.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
    if (state === "sending") {
      const speed = this.#speed.value;
      this.#say(this.#words.sending, speed > 0 ? this.#words.speed(speed) : "");
    } else if (state === "waiting") {
      const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
      this.#say(message ?? this.#words.waiting[why], why === "offline" ? "" : this.#words.again(seconds));
    } else {
      this.#say(this.#words[state], "");
    }
    return undefined;
  }

  #say(text, count) {
    if (this.said.textContent !== text) this.said.textContent = text;
    this.count.textContent = count && `${text ? ", " : ""}${count}`;
  }

  #drawFaults() {
    this.faults.replaceChildren(...[...this.#faults.values()].map((text) => make("li", "", text)));
  }
}

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text; // never markup: names of files are other people's
  return element;
}
