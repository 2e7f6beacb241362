// When the list of uploads is read from the server. Its answer shows a moment in the past: whatever is noticed while a read
// is under way may be missing from it, so the list is read once more afterwards.

// In ms, between failed reads.
const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 30_000;

/** `here` is the part of the list that the page shows; `first` is the one where a new upload is. */
/** @typedef {"here" | "first"} Part */

/**
 * Reads the list whenever `ask` is called, however many call; `busy` tells whether an answer is on its way. A failed read
 * is repeated, later and later.
 *
 * @param {(part: Part) => Promise<boolean>} load reads a part once; false if the page could not show it
 */
export function reader(load) {
  /** @type {Part | null} */
  let wanted = null;
  let busy = false;
  let failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {Part} part */
  const want = (part) => {
    if (wanted !== "first") wanted = part;
  };

  const read = async () => {
    clearTimeout(timer);
    busy = true;
    while (wanted) {
      const part = wanted;
      wanted = null;
      if (await load(part)) {
        failures = 0;
        continue;
      }
      want(part);
      timer = setTimeout(read, Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures));
      failures++;
      break;
    }
    busy = false;
  };

  return {
    busy: () => busy,
    ask(/** @type {Part} */ part = "here") {
      want(part);
      if (!busy) read();
    },
  };
}
