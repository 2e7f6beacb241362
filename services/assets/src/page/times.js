// Moments by the visitor's own clock and zone. The server does not know the zone, and writes UTC.

/** @type {Record<string, Intl.DateTimeFormatOptions>} by `data-at`: how exact a moment is to be */
const FORMATS = {
  minute: { timeStyle: "short" },
  zone: { hour: "2-digit", minute: "2-digit", timeZoneName: "short" },
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
    time.textContent = text.replace("{}", shown(time, FORMATS[at]));
    time.title = shown(time, FORMATS.second);
  }
}

/**
 * @param {HTMLTimeElement} time
 * @param {Intl.DateTimeFormatOptions} format
 */
function shown(time, format) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { ...format, hourCycle: "h23" }).format(
    new Date(time.dateTime),
  );
}
