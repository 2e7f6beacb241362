// Moments by the visitor's own clock and zone. The server does not know the zone, and writes UTC.

/** @type {Record<string, Intl.DateTimeFormatOptions>} by `data-at`: how exact a moment is to be */
const FORMATS = {
  minute: { timeStyle: "short" },
  second: { dateStyle: "medium", timeStyle: "long" },
};

/**
 * Write every moment below `root` as its visitor reads it.
 *
 * @param {Node} root
 */
export function showLocalTimes(root) {
  if (!(root instanceof Element)) return;
  for (const time of root.querySelectorAll("time[data-at]")) {
    if (!(time instanceof HTMLTimeElement)) continue;
    const { at = "", text = "" } = time.dataset;
    const format = new Intl.DateTimeFormat(document.documentElement.lang, { ...FORMATS[at], hourCycle: "h23" });
    time.textContent = text.replace("{}", format.format(new Date(time.dateTime)));
  }
}
