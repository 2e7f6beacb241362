// Which images stay when there are more than fit: those that were chosen last, as on the server.

/**
 * Decide on the images that are there, under way and chosen, if `kept` fit. Each list has the oldest first, and
 * so has each answer: `sent` are sent, `left` are not, `stopped` need not travel on, and `deleted` go when the others
 * are complete.
 *
 * @template Here, Underway, Chosen
 * @param {number} kept 0 for all
 * @param {{ here: Here[], underway: Underway[], chosen: Chosen[] }} images
 * @returns {{ sent: Chosen[], left: Chosen[], stopped: Underway[], deleted: Here[] }}
 */
export function newest(kept, { here, underway, chosen }) {
  if (!kept) return { sent: chosen, left: [], stopped: [], deleted: [] };
  const sent = chosen.slice(-kept);
  const stay = kept - sent.length;
  const stopped = underway.slice(0, Math.max(0, underway.length - stay));
  const room = kept - sent.length - (underway.length - stopped.length);
  return {
    sent,
    stopped,
    left: chosen.slice(0, chosen.length - sent.length),
    deleted: here.slice(0, Math.max(0, here.length - room)),
  };
}
