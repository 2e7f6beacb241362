// Signs of the uploads for a visitor who looks elsewhere: the tab's title, and a notification if the
// visitor has asked for one.

import { button } from "./elements.js";
import { t, tn } from "./words.js";

/** @import { Item } from "./uploader.js" */
/** @import { Formats } from "./words.js" */

const SHOWN = 5000; // ms that the mark of a complete upload stays once the visitor is here

export class Tab {
  #formats;
  /** @type {Map<string, { name: string, size: number, most: number }>} the files since the last time that none was under way */
  #files = new Map();
  #shown = "";

  /** @param {Formats} formats */
  constructor(formats) {
    this.#formats = formats;
  }

  /**
   * Show how far all files together are.
   *
   * @param {Item} item that has changed
   */
  change({ id, name, file: { size }, most, is }) {
    if (is.state === "failed") this.#files.delete(id);
    else this.#files.set(id, { name, size, most: is.state === "ready" ? size : most });
    this.#draw();
  }

  /** @param {Item} item that was given up */
  remove({ id }) {
    this.#files.delete(id);
    this.#draw();
  }

  /** Nothing is under way any more. Say what is complete, until the visitor has had time to see it. */
  finish() {
    const what = this.#what();
    this.#files.clear();
    this.#show(what && `✓ ${what}`);
    const mark = this.#shown;
    const clear = () => setTimeout(() => mark === this.#shown && this.#show(""), SHOWN);
    if (document.visibilityState === "visible") clear();
    else document.addEventListener("visibilitychange", clear, { once: true });
  }

  #draw() {
    const files = [...this.#files.values()];
    const sum = (/** @type {"size" | "most"} */ what) => files.reduce((total, file) => total + file[what], 0);
    const what = this.#what();
    this.#show(what && `${this.#formats.percent(sum("most") / sum("size"))} ${what}`);
  }

  #what() {
    const [first, ...others] = this.#files.values();
    if (!first) return "";
    return others.length ? tn("{n} file", "{n} files", others.length + 1) : first.name;
  }

  /**
   * Show a text before the title of the page. A text of page.js before both stays where it is.
   *
   * @param {string} text
   */
  #show(text) {
    const bare = this.#shown ? document.title.replace(this.#shown, "") : document.title;
    this.#shown = text && `${text} · `;
    const parts = bare.split(" · ");
    const page = parts.splice(-2).join(" · "); // "My Files · Mayfly"
    document.title = [...parts, `${this.#shown}${page}`].join(" · ");
  }
}

/** A button by which the visitor allows notifications; null if they have decided, or if the browser has none. */
export function notifyButton() {
  if (!("Notification" in globalThis) || Notification.permission !== "default") return null;
  const ask = button(t("Notify me when it is complete"));
  ask.addEventListener("click", async () => {
    await Notification.requestPermission();
    ask.remove();
  });
  return ask;
}

/**
 * Show a notification to a visitor who has asked for one and looks elsewhere.
 *
 * @param {string} text
 */
export async function notify(text) {
  if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
  if (document.visibilityState === "visible") return;
  try {
    new Notification("Mayfly", { body: text });
  } catch {
    // Chrome on Android allows it to service workers alone.
    const worker = await navigator.serviceWorker?.getRegistration();
    await worker?.showNotification("Mayfly", { body: text });
  }
}
