// The cards of the uploads under way, above the list: what each is, how far, and what its visitor can do with it. A bundle
// has one, before those of its files.

import { inWords } from "./choices.js";
import { button, make } from "./elements.js";
import { lifetimeGroup } from "./lifetimes.js";
import { notifyButton } from "./tab.js";
import { t, tn } from "./words.js";

/** @import { Changes } from "./api.js" */
/** @import { Lifetime } from "./lifetimes.js" */
/** @import { Item } from "./uploader.js" */
/** @import { Formats } from "./words.js" */

/**
 * The actions that a visitor has on an upload under way.
 *
 * @typedef {object} Actions
 * @property {(item: Item) => void} pause
 * @property {(item: Item) => void} resume
 * @property {(item: Item) => void} retry
 * @property {(item: Item) => void} cancel
 * @property {(item: Item) => void} finish complete a bundle without the files that failed
 * @property {(item: Item, changes: Changes) => void} edit
 */

/**
 * @typedef {object} Card
 * @property {HTMLElement} element
 * @property {HTMLElement} name
 * @property {HTMLElement} facts
 * @property {HTMLElement} chosen
 * @property {HTMLProgressElement} bar
 * @property {Record<"pause" | "resume" | "retry" | "finish" | "cancel", HTMLButtonElement>} buttons
 * @property {HTMLInputElement} [title]
 * @property {HTMLDetailsElement} [fields]
 * @property {HTMLElement} place of its link
 * @property {string | null} picture an address that lasts until it is revoked
 */

// In ms. A title that its visitor has not left counts once they have typed nothing for so long.
const TYPED = 3000;

export class Cards {
  #formats;
  #lifetimes;
  #actions;
  #titleLength;
  /** @type {Map<string, Card>} */
  #cards = new Map();
  /** @type {Set<string>} those whose upload is complete, and stays here */
  #kept = new Set();
  #list = make("ul", "sending");
  #all = button(t("Cancel all"));
  #more = notifyButton();

  /**
   * @param {object} given
   * @param {Formats} given.formats
   * @param {Lifetime[]} given.lifetimes
   * @param {number} given.titleLength
   * @param {Actions} given.actions
   * @param {() => void} given.cancelAll
   */
  constructor({ formats, lifetimes, titleLength, actions, cancelAll }) {
    this.#formats = formats;
    this.#lifetimes = lifetimes;
    this.#titleLength = titleLength;
    this.#actions = actions;
    this.#list.setAttribute("aria-label", t("Uploads in progress"));
    this.#all.addEventListener("click", cancelAll);
    this.element = make("div", "underway");
    this.element.append(this.#all, this.#list);
    if (this.#more) this.element.append(this.#more);
    this.#count();
  }

  get size() {
    return this.#cards.size;
  }

  /**
   * Show what an item is now.
   *
   * @param {Item} item
   */
  show(item) {
    const card = this.#cards.get(item.id) ?? this.#add(item);
    const { state } = item.is;
    const size = sizeOf(item);
    card.element.classList.toggle("is-failed", state === "failed");
    card.bar.max = size || 1;
    card.bar.value = state === "ready" ? size : Math.min(item.most, size * 0.99);
    write(card.name, item.name);
    write(card.facts, this.#facts(item));
    write(card.chosen, item.bundle ? "" : inWords(item.kept).join(" · "));
    // A file of a bundle is paused with all others.
    card.buttons.pause.hidden = Boolean(item.bundle) || (state !== "sending" && state !== "waiting");
    card.buttons.resume.hidden = Boolean(item.bundle) || state !== "paused";
    card.buttons.retry.hidden = state !== "failed";
    const failed = item.whole?.failed.length ?? 0;
    card.buttons.finish.hidden = state !== "failed" || !failed || !item.whole?.arrived;
    write(card.buttons.finish, tn("Finish without this file", "Finish without these {n} files", failed));
    if (item.link && !item.bundle && card.place.hidden) this.#placeLink(card, item.link);
  }

  /**
   * The upload is complete, and no list on this page shows it: its card does.
   *
   * @param {Item} item
   * @param {HTMLElement[]} more what the visitor can do with it
   */
  keep(item, more) {
    const card = this.#cards.get(item.id);
    if (!card) return;
    const { upload } = item;
    if (upload && card.place.hidden) this.#placeLink(card, upload.link);
    card.bar.hidden = true;
    card.fields?.remove();
    write(card.facts, `${t("Complete")} · ${this.#formats.size(sizeOf(item))}`);
    for (const one of card.place.querySelectorAll(".hint")) one.remove();
    for (const one of Object.values(card.buttons)) one.remove();
    card.element.querySelector(".does")?.append(...more);
    more.at(0)?.focus();
    this.#kept.add(item.id);
    this.#count();
  }

  /**
   * Take a card away. If the focus was on it, it moves to the next one.
   *
   * @param {Item} item
   */
  remove({ id }) {
    const card = this.#cards.get(id);
    if (!card) return;
    const hadFocus = card.element.contains(document.activeElement);
    const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
    if (card.picture) URL.revokeObjectURL(card.picture);
    card.element.remove();
    this.#cards.delete(id);
    this.#kept.delete(id);
    this.#count();
    if (!hadFocus) return;
    const target = next?.querySelector("button:not([hidden])") ?? document.querySelector(".upload-choose");
    if (target instanceof HTMLElement) target.focus();
  }

  /**
   * Resolve once the visitor does not type into the title of this item.
   *
   * @param {Item} item
   */
  async typed({ id }) {
    const title = this.#cards.get(id)?.title;
    if (!title || title !== document.activeElement || title.value === title.defaultValue) return;
    await new Promise((resolve) => {
      let idle = setTimeout(resolve, TYPED);
      title.addEventListener("input", () => {
        clearTimeout(idle);
        idle = setTimeout(resolve, TYPED);
      });
      title.addEventListener("change", resolve);
    });
    title.dispatchEvent(new Event("change"));
  }

  /** @param {Item} item */
  #add(item) {
    const { name, file } = item;
    const heading = make("h2"); // no heading comes before it but the page's own
    const shown = make("bdi", "", name);
    heading.append(shown);
    const bar = make("progress");
    bar.setAttribute("aria-label", name);
    const facts = make("p", "facts");
    const chosen = make("p", "chosen");
    const buttons = {
      pause: button(t("Pause"), t("Pause {name}", { name })),
      resume: button(t("Resume"), t("Resume {name}", { name })),
      retry: button(t("Retry"), t("Retry {name}", { name })),
      finish: button(""),
      cancel: button(t("Cancel"), t("Cancel {name}", { name })),
    };
    for (const [action, element] of Object.entries(buttons)) {
      element.addEventListener("click", () => this.#actions[/** @type {keyof typeof buttons} */ (action)](item));
    }
    const does = make("div", "does");
    does.append(...Object.values(buttons));
    const place = make("div", "place");
    place.hidden = true;
    const element = make("li", item.bundle ? "member" : "");
    const { fields, title } = item.bundle ? {} : this.#fields(item);
    const picture = file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
    if (picture) element.append(Object.assign(make("img"), { src: picture, alt: "" }));
    element.append(heading, facts, chosen, bar, place, does);
    if (fields) element.append(fields);
    this.#list.append(element);
    const card = { element, name: shown, facts, chosen, bar, buttons, title, fields, place, picture };
    this.#cards.set(item.id, card);
    this.#count();
    return card;
  }

  #count() {
    // Those of a bundle's files have no fields, and end with its own.
    const all = [...this.#cards.values()].flatMap(({ fields }) => fields ?? []);
    const inProgress = all.length - this.#kept.size;
    this.element.hidden = !this.#cards.size;
    this.#all.hidden = inProgress < 2;
    if (this.#more) this.#more.hidden = !inProgress;
    // The fields of many would push their cards out of sight.
    if (all.length > 1) for (const fields of all) fields.open = false;
  }

  /**
   * Title and lifetime of an item, which its visitor can change while it travels.
   *
   * @param {Item} item
   */
  #fields(item) {
    const fields = make("details");
    const label = make("label", "", t("Title"));
    const title = make("input");
    title.type = "text";
    title.maxLength = this.#titleLength;
    title.defaultValue = item.fields.title ?? "";
    title.autocomplete = "off";
    title.addEventListener("change", () => {
      if (title.value === title.defaultValue) return;
      title.defaultValue = title.value;
      this.#actions.edit(item, { title: title.value });
    });
    label.append(title);
    fields.append(make("summary", "", t("Title and lifetime")), label);
    if (this.#lifetimes.length) {
      fields.append(
        lifetimeGroup({
          name: `lifetime-${item.id}`,
          legend: t("Delete after"),
          lifetimes: this.#lifetimes,
          chosen: item.fields.lifetime,
          changed: (lifetime) => this.#actions.edit(item, { lifetime }),
        }),
      );
    }
    fields.open = !this.#cards.size;
    return { fields, title };
  }

  /** @param {Item} item */
  #facts(item) {
    const { whole } = item;
    if (!whole) return this.#travel(item);
    const arrived = t("{n} of {all} have arrived", { n: whole.arrived, all: whole.all });
    return `${arrived} · ${this.#travel(item)}`;
  }

  /** @param {Item} item */
  #travel(item) {
    const { is, most } = item;
    const bytes = sizeOf(item);
    const size = this.#formats.size(bytes);
    if (is.state === "queued") return `${t("Waiting for its turn")} · ${size}`;
    if (is.state === "failed") return `${t("Upload failed")} · ${size}`;
    const share = `${this.#formats.percent(Math.min(most / (bytes || 1), 0.99))} · ${size}`;
    if (is.state === "paused") return `${t("Paused")} · ${share}`;
    return is.state === "waiting" ? `${t("Waiting")} · ${share}` : share;
  }

  /**
   * @param {Card} card
   * @param {string} link
   */
  #placeLink({ place, element }, link) {
    const label = make("label", "link", t("Link to share"));
    const field = make("input", "link");
    field.type = "text";
    field.readOnly = true;
    field.value = link;
    label.append(field);
    place.append(label, make("p", "hint", t("It works once the upload is complete.")));
    place.hidden = false;
    element.classList.add("has-link");
  }
}

/** @param {Item} item */
function sizeOf({ whole, file }) {
  return whole ? whole.size : file.size;
}

/**
 * The names of some files, and how many more there are.
 *
 * @param {string[]} names
 * @param {Formats} formats
 */
export function namesOf(names, formats) {
  const most = 3;
  const shown = names.slice(0, names.length > most + 1 ? most : names.length);
  const more = names.length - shown.length;
  return formats.list(more ? [...shown, tn("{n} more file", "{n} more files", more)] : shown);
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
