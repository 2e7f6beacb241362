// Time left, second by second, and what fades with it. The server says how much was left when it answered, by the
// database's clock; from there on only differences count, so that a device whose clock is wrong shows the same.

const ends = new WeakMap();
// The page came when its first bytes did; whatever is swapped in later comes just now.
const [navigation] = performance.getEntriesByType("navigation");
const loaded = performance.timeOrigin + (navigation?.responseStart ?? 0);
const first = new Set(document.querySelectorAll("[data-left]"));

/** Keep every `data-left` on the page up to date, and call `over` a moment after an upload's time has run out. */
export function follow({ over }) {
  const tick = () => document.querySelectorAll("[data-left]").forEach((element) => show(element, over));
  tick();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
}

function show(element, over) {
  if (!ends.has(element)) {
    ends.set(element, (first.has(element) ? loaded : Date.now()) + element.dataset.left * 1000);
  }
  const left = Math.max(0, ends.get(element) - Date.now()) / 1000;
  const text = element.dataset.text.replace("{}", inWords(left));
  if (element.textContent !== text) element.textContent = text;
  const upload = element.closest("[id^=upload-]");
  if (!upload) return;
  upload.style.setProperty("--left", Math.min(1, left / element.dataset.life).toFixed(3));
  if (left === 0 && !upload.classList.contains("going")) {
    upload.classList.add("going");
    setTimeout(over, 1000);
  }
}

/** In its largest unit, rounded down, as the page's language says it; the server's own `span` says the same. */
export function inWords(seconds, language = document.documentElement.lang) {
  const [value, unit] =
    seconds < 60 ? [seconds, "second"] : seconds < 7200 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(value));
}
