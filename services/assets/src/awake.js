// A phone that goes to sleep stops sending. While something is under way the screen stays on, where the browser lets us.

let wanted = false;
let lock = null;
let asking = false;

/** Whether the screen is to stay on from now on. Ask again when the page comes back into sight: browsers end it there. */
export async function stayAwake(on) {
  wanted = on;
  if (wanted && !asking && (!lock || lock.released)) {
    asking = true;
    lock = await navigator.wakeLock?.request("screen").catch(() => null); // no battery for it, or not in sight
    asking = false;
  }
  if (!wanted) lock?.release();
}
