// The page's texts in its language. Django writes the translations into the page, out of the same catalogue as its own
// (mayfly/pages/words.py). The English text is the key, and is shown where a translation is missing.

/**
 * The content of the page's `words` element: translations by English text, with an array of plural forms if it counts.
 * `plural` has a digit for each number up to 199: which of the forms that number takes.
 *
 * @typedef {{ plural: string, texts: Record<string, string | string[]> }} Words
 */

/** @type {Words} */
const words = JSON.parse(globalThis.document?.getElementById("words")?.textContent || '{"plural":"","texts":{}}');
// No language has more plural forms in gettext.
const MOST_FORMS = 6;

/**
 * An English text in the page's language, with each `{name}` replaced by its value.
 *
 * @param {string} text a literal: build.js collects what is to be translated from the calls
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(text, values = {}) {
  const translated = words.texts[text];
  return filled(typeof translated === "string" ? translated : text, values);
}

/**
 * As `t`, for a text that counts: the plural form for `n`, which also replaces `{n}`.
 *
 * @param {string} one
 * @param {string} other
 * @param {number} n
 * @param {Record<string, string | number>} [values]
 */
export function tn(one, other, n, values = {}) {
  return filled(pluralForms(one, other)[formOf(n)], { n, ...values });
}

/**
 * All forms of a text that counts, each at the index that `formOf` gives.
 *
 * @param {string} one
 * @param {string} other
 * @returns {string[]}
 */
export function pluralForms(one, other) {
  const translated = words.texts[one];
  if (Array.isArray(translated)) return translated;
  return Array.from({ length: MOST_FORMS }, (_, form) => (form === formOf(1) ? one : other));
}

/**
 * Which plural form a number takes. From 100 on, only its last two digits count in any language.
 *
 * @param {number} n
 */
export function formOf(n) {
  const digit = words.plural[n < 100 ? n : 100 + (n % 100)];
  return digit === undefined ? Number(n !== 1) : Number(digit);
}

/**
 * How people of a language write figures and lists.
 *
 * @typedef {object} Formats
 * @property {(bytes: number) => string} size
 * @property {(share: number) => string} percent of 1, rounded down
 * @property {(seconds: number) => string} time
 * @property {(names: string[]) => string} list
 */

/**
 * @param {string} lang
 * @returns {Formats}
 */
export function formatsIn(lang) {
  const percent = new Intl.NumberFormat(lang, { style: "percent" });
  const list = new Intl.ListFormat(lang);
  return {
    size: bytesIn(lang),
    percent: (share) => percent.format(Math.floor(share * 100) / 100),
    time: timeIn(lang),
    list: (names) => list.format(names),
  };
}

/**
 * A function that writes sizes, speeds and their like as people of `lang` do.
 *
 * @param {string} lang
 * @returns {(bytes: number) => string}
 */
export function bytesIn(lang) {
  const format = new Intl.NumberFormat(lang, { maximumSignificantDigits: 3 });
  const units = ["kB", "MB", "GB", "TB"];
  return (bytes) => {
    // As the server writes them, and all our languages say.
    if (bytes < 1000) return `${Math.round(bytes)}\u00a0${bytes === 1 ? "byte" : "bytes"}`;
    let unit = 0;
    let value = bytes / 1000;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return `${format.format(value)}\u00a0${units[unit]}`;
  };
}

/**
 * A function that writes how long something will take, rounded up, as people of `lang` do.
 *
 * @param {string} lang
 * @returns {(seconds: number) => string}
 */
export function timeIn(lang) {
  const inUnit = (/** @type {string} */ unit, /** @type {number} */ value) =>
    new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 }).format(value);
  return (seconds) => {
    if (seconds <= 10) return inUnit("second", Math.max(1, Math.ceil(seconds)));
    if (seconds <= 55) return inUnit("second", Math.ceil(seconds / 5) * 5); // an estimate that changes all the time is none
    if (seconds <= 60 * 60) return inUnit("minute", Math.ceil(seconds / 60));
    return inUnit("hour", Math.ceil(seconds / 360) / 10);
  };
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));
}
