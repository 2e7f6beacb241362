// The page's sentences about an upload. The names are what the rest of the program uses for them.

import { t } from "./words.js";

/**
 * Why a transfer waits.
 *
 * @typedef {"offline" | "connection" | "stalled" | "server" | "storage" | "busy" | "many" | "full"} Cause
 */

/** Values that a fault's sentence may name; `limit` is a size in words. */
/** @typedef {{ limit?: string, origin?: string, status?: number, why?: Cause }} Values */

/** @type {Record<Cause, () => string>} */
export const causes = {
  offline: () => t("No connection. The upload continues by itself once you are back online."),
  connection: () => t("Waiting for the connection."),
  stalled: () => t("The connection has stalled."),
  server: () => t("Mayfly does not answer."),
  storage: () => t("Storage does not answer."),
  busy: () => t("Putting the parts together."),
  many: () => t("Many requests came from you or your network address in a short time."),
  full: () => t("This site is full at the moment. The upload continues once others have expired."),
};

export const faults = {
  empty: () => t("This file is empty."),
  twice: () => t("You have chosen this file twice. It is sent once."),
  notImage: () =>
    t("This is not an image we can show. We show JPEG, PNG, WebP, GIF and AVIF; send anything else as a file."),
  heic: () => t("HEIC pictures cannot be shown here. Send it as a file instead."),
  /** @param {Values} values */
  tooLarge: ({ limit = "" }) => t("This is too large: the limit is {limit}.", { limit }),
  gone: () => t("The server gave up this upload twice. The parts sent so far are lost; try again later."),
  late: () =>
    t("This upload was deleted before it was complete, or it has already expired. Choose the file again to resend it."),
  lost: () => t("Storage keeps losing parts of this file. Try again later."),
  refused: () =>
    t("Storage refuses the parts, although they were just signed (403). The operator of this site can fix that."),
  /** @param {Values} values */
  barred: ({ origin = "" }) =>
    t(
      "Storage at {origin} does not take uploads from this page. Its bucket must allow this page's address (CORS); the operator of this site can fix that.",
      { origin },
    ),
  unreadable: () => t("This file cannot be read any more: it was changed, moved or deleted. Choose it again."),
  stale: () =>
    t(
      "This page has been open too long, or cookies are blocked. Reload it and choose the file again; what was sent is kept.",
    ),
  /** @param {Values} values */
  status: ({ status = 0 }) => t("Something between you and Mayfly refused this ({status}).", { status }),
  /** @param {Values} values */
  gaveUp: ({ why = "connection" }) =>
    t(
      "{cause} We stopped trying after a quarter of an hour. The parts sent so far are kept for a while; try again later.",
      { cause: causes[why === "offline" ? "connection" : why]() },
    ),
};

/** @typedef {keyof typeof faults} Fault */

/**
 * A fault in words.
 *
 * @param {Fault} fault
 * @param {Values} values
 */
export function sentence(fault, values) {
  return faults[fault](values);
}

/**
 * A text about one file of several.
 *
 * @param {string} name
 * @param {string} text
 */
export function about(name, text) {
  return t("{name}: {text}", { name, text });
}
