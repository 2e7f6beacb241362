// The transfers that a reload or a closed tab has cut off, each with what to do about it.

import { Gone } from "./faults.js";
import { traits } from "./identity.js";
import { make } from "./status.js";
import { held } from "./store.js";

export class Interrupted {
  #words;
  #kind;
  #api;
  #store;
  #present;
  #entries = [];

  /** `present()`: the files that the page has already, and that nobody need be asked for. */
  constructor(words, { kind, api, store, present }) {
    this.#words = words;
    this.#kind = kind;
    this.#api = api;
    this.#store = store;
    this.#present = present;
    this.element = make("ul", "upload-interrupted");
  }

  /** Ask the server what has become of them, and show those that can go on. */
  async look() {
    const busy = await held();
    const mine = this.#store.all().filter(({ kind, id }) => kind === this.#kind && !busy.has(id));
    const asked = await Promise.all(mine.map((entry) => this.#ask(entry)));
    const present = this.#present();
    this.#entries = asked.filter((entry) => entry && !present.some((file) => looksLike(entry, file)));
    this.element.replaceChildren(...this.#entries.map((entry) => this.#row(entry)));
  }

  /** Whether a file looks like one of them; the transfer itself looks at its bytes before it goes on. */
  knows(file) {
    return this.#entries.some((entry) => looksLike(entry, file));
  }

  async #ask(entry) {
    try {
      const parts = await this.#api.parts(entry.id);
      return { ...entry, stored: parts.reduce((sum, { size }) => sum + size, 0) };
    } catch (error) {
      if (!(error instanceof Gone)) return entry;
      this.#store.forget(entry.id);
      return null;
    }
  }

  #row(entry) {
    const [name] = JSON.parse(entry.identity);
    const row = make("li", "", this.#words.interrupted(name, Math.floor((entry.stored * 100) / entry.size)));
    const discard = make("button", "quiet", this.#words.discard);
    discard.type = "button";
    discard.setAttribute("aria-label", this.#words.discardNamed(name));
    discard.addEventListener("click", () => {
      this.#store.forget(entry.id);
      this.#entries = this.#entries.filter(({ id }) => id !== entry.id);
      row.remove();
      this.#api.remove(entry.id).catch(() => {}); // the server drops it after its deadline by itself
    });
    row.append(" ", discard);
    return row;
  }
}

function looksLike({ identity }, file) {
  const its = JSON.parse(identity);
  return traits(file).every((trait, index) => its[index] === trait);
}
