// The page's words in its language, ours and Uppy's. English is here; the others are fetched when they are needed.

import { en } from "./words/en.js";

const OTHERS = {
  "pt-br": () => import("./words/pt-BR.js"),
  es: () => import("./words/es.js"),
};

/** {own, uppy}: our words, and Uppy's strings with ours in place of some. `lang` is the page's own. */
export async function wordsIn(lang) {
  const wanted = lang.toLowerCase();
  const load = OTHERS[wanted] ?? OTHERS[wanted.split("-")[0]] ?? OTHERS[`${wanted}-br`];
  try {
    return load ? (await load()).words : en;
  } catch {
    return en; // a lost connection: better in English than not at all
  }
}

/** Sizes, speeds and their like as people of `lang` write them. */
export function bytesIn(lang) {
  const format = new Intl.NumberFormat(lang, { maximumSignificantDigits: 3 });
  const units = ["B", "kB", "MB", "GB", "TB"];
  return (bytes) => {
    let unit = 0;
    let value = bytes;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return `${format.format(value)} ${units[unit]}`;
  };
}
