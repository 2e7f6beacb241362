// Takes what a phone shares with Mayfly from the service worker, which has led here, and chooses it.

import { confirmed } from "./question.js";
import { visible } from "./visible.js";
import { t, tn } from "./words.js";

const MARK = "#shared";
// So many names are in the question; a share may have a hundred files.
const NAMED = 5;

/**
 * @param {object} page
 * @param {(files: File[]) => void} page.add chooses files
 * @param {(words: string) => void} page.say shows a fault
 */
export async function takeShared({ add, say }) {
  if (location.hash !== MARK) return;
  history.replaceState(history.state, "", location.pathname + location.search); // a reload asks for nothing
  const files = await handedOver();
  if (!files.length) {
    say(t("The shared files did not arrive here. Share them once more."));
    return;
  }
  if (isApp() || (await confirmed(question(files)))) add(files);
}

/** @returns {Promise<File[]>} */
function handedOver() {
  return new Promise((resolve) => {
    const worker = navigator.serviceWorker?.controller;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    if (worker) worker.postMessage("shared", [port2]);
    else resolve([]);
  });
}

/**
 * Whether this is the installed app, to which alone a system shares. In a tab, a page of another site may have posted the
 * files, to fill a visitor's box or to push images out of it.
 */
function isApp() {
  return matchMedia("(display-mode: standalone)").matches; // as the manifest has it; no engine says so of a tab
}

/** @param {File[]} files */
function question(files) {
  const names = files.slice(0, NAMED).map(({ name }) => visible(name));
  if (files.length > NAMED) names.push("…");
  return {
    title: tn("Upload this file?", "Upload these {n} files?", files.length),
    text: t("Another page hands over {names}. Upload only what you shared yourself.", {
      names: new Intl.ListFormat(document.documentElement.lang, { type: "unit" }).format(names),
    }),
    yes: t("Upload"),
    no: t("Leave it"),
  };
}
