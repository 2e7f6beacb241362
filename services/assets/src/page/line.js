// How long a download will take on this line, where the browser knows the line.

import { timeInWords } from "./clock.js";

// In Mbit/s. Browsers give no more than this, lest a line tell who uses it, so this much may be any speed above.
const HIGHEST = 10;
const SHORTEST = 10; // in s; whoever waits less need not know

/**
 * Say below `root` what each download takes.
 *
 * @param {Node} root
 */
export function estimateDownloads(root) {
  const { connection } = /** @type {{ connection?: { downlink?: number } }} */ (navigator);
  const speed = connection?.downlink ?? 0;
  if (!(root instanceof Element) || speed <= 0 || speed >= HIGHEST) return;
  for (const place of root.querySelectorAll("[data-bytes]")) {
    if (!(place instanceof HTMLElement)) continue;
    const { bytes, text = "" } = place.dataset;
    const seconds = (Number(bytes) * 8) / (speed * 1_000_000);
    if (seconds >= SHORTEST) place.textContent = text.replace("{}", timeInWords(seconds));
  }
}
