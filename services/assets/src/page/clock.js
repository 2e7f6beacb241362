// Time left, second by second, and what fades with it. The server says how much was left when it answered, by the
// database's clock. From then on only differences count, so that a device with a wrong clock shows the same.

// In seconds. An upload that was to live no longer than the warning before its end needs none.
const COUNTED_DOWN = 600;
const WARNING = 120;
const LAST_MINUTE = 60;

/** @type {WeakMap<Element, number>} when each one's time is over, in ms */
const deadlines = new WeakMap();
// The page came when its first bytes did; anything that is swapped in later has just come.
const navigation = performance.getEntriesByType("navigation").at(0);
const firstByte = navigation instanceof PerformanceNavigationTiming ? navigation.responseStart : 0;
const loaded = performance.timeOrigin + firstByte;
const first = new Set(document.querySelectorAll("[data-left]"));

/**
 * Keep every `data-left` on the page up to date. `over` is called a moment after an upload has expired, and `soon` every
 * second with the uploads of the visitor that expire within two minutes.
 *
 * @param {{ over: () => void, soon: (uploads: HTMLElement[]) => void }} handlers
 */
export function follow({ over, soon }) {
  const tick = () => {
    for (const element of document.querySelectorAll("[data-left]")) {
      if (element instanceof HTMLElement) showTimeLeft(element, over);
    }
    soon([...document.querySelectorAll(".soon")].filter((upload) => upload instanceof HTMLElement));
  };
  tick();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  document.addEventListener("htmx:afterSettle", tick);
}

/**
 * @param {HTMLElement} element
 * @param {() => void} over
 */
function showTimeLeft(element, over) {
  const left = Math.max(0, deadlineOf(element) - Date.now()) / 1000;
  const life = Number(element.dataset.life);
  const text = (element.dataset.text ?? "").replace("{}", timeLeft(left, life));
  if (element.textContent !== text) element.textContent = text;
  const upload = element.closest("[id^=upload-], [id^=bundle-]");
  if (!(upload instanceof HTMLElement)) return;
  upload.style.setProperty("--left", Math.min(1, left / life).toFixed(3));
  upload.classList.toggle(
    "soon",
    0 < left && left <= WARNING && life > WARNING && !!upload.querySelector("[id^=keep-]"),
  );
  upload.classList.toggle("last-minute", left <= LAST_MINUTE);
  if (left === 0 && !upload.classList.contains("going")) {
    upload.classList.add("going");
    setTimeout(over, 1000);
  }
}

/** @param {HTMLElement} element */
function deadlineOf(element) {
  const known = deadlines.get(element);
  if (known !== undefined) return known;
  const deadline = (first.has(element) ? loaded : Date.now()) + Number(element.dataset.left) * 1000;
  deadlines.set(element, deadline);
  return deadline;
}

/**
 * By the second in the last ten minutes. Before, it is rounded up in an upload's first minute; the server's own `left` says
 * the same.
 *
 * @param {number} left in seconds
 * @param {number} life of the upload in all
 */
function timeLeft(left, life) {
  const whole = Math.floor(left);
  if (whole < COUNTED_DOWN) return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  return timeInWords(whole + (life - left < 60 ? 59 : 0));
}

/**
 * In the largest unit, rounded down, in the page's language; the server's own `span` says the same.
 *
 * @param {number} seconds
 */
export function timeInWords(seconds) {
  const [value, unit] =
    seconds < 60 ? [seconds, "second"] : seconds < 7200 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" });
  return format.format(Math.floor(value));
}
