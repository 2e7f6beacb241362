// A phone that goes to sleep stops sending. While something is under way, ask the browser to keep the screen on.

let wanted = false;
let asking = false;
/** @type {WakeLockSentinel | null} */
let lock = null;

/**
 * Whether the screen is to stay on from now on. Ask again when the page becomes visible again: browsers end it there.
 *
 * @param {boolean} on
 */
export async function stayAwake(on) {
  wanted = on;
  if (wanted && !asking && (!lock || lock.released)) {
    asking = true;
    // Refused if the battery is low or the page is not visible. Safari knows it from version 16.4 on.
    lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    asking = false;
  }
  if (!wanted) lock?.release();
}
