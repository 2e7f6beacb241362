// The page's sentences about an upload. The names are what the rest of the program uses for them.

import { Final, Passing } from "./faults.js";
import { t, tn } from "./words.js";

/**
 * Why a transfer waits.
 *
 * @typedef {"offline" | "connection" | "stalled" | "server" | "storage" | "busy" | "many" | "full"} Cause
 */

/** Values that a fault's sentence may name; `limit` is a size in words, and `n` how many files have the fault. */
/** @typedef {{ n?: number, limit?: string, origin?: string, status?: number, why?: Cause }} Values */

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

/** @satisfies {Record<string, (values: Values & { n: number }) => string>} */
const sentences = {
  empty: ({ n }) => tn("This file is empty.", "These files are empty.", n),
  twice: ({ n }) =>
    tn(
      "You have chosen this file twice. It is sent once.",
      "You have chosen these files twice. Each of them is sent once.",
      n,
    ),
  notImage: ({ n }) =>
    tn(
      "This is not an image we can show. We show JPEG, PNG, WebP, GIF and AVIF; send anything else as a file.",
      "These are not images we can show. We show JPEG, PNG, WebP, GIF and AVIF; send anything else as a file.",
      n,
    ),
  heic: ({ n }) =>
    tn(
      "HEIC pictures cannot be shown here. Send it as a file instead.",
      "HEIC pictures cannot be shown here. Send them as files instead.",
      n,
    ),
  tooLarge: ({ n, limit = "" }) =>
    tn("This is too large: the limit is {limit}.", "These are too large: the limit is {limit} each.", n, { limit }),
  gone: ({ n }) =>
    tn(
      "The server gave up this upload twice. The parts sent so far are lost; try again later.",
      "The server gave up these uploads twice. The parts sent so far are lost; try again later.",
      n,
    ),
  late: ({ n }) =>
    tn(
      "This upload was deleted before it was complete, or it has already expired. Choose the file again to resend it.",
      "These uploads were deleted before they were complete, or have already expired. Choose the files again to resend them.",
      n,
    ),
  unbundled: ({ n }) =>
    tn(
      "The link was given up before it was complete: it was deleted, or has expired. Choose its files again to resend them.",
      "The links were given up before they were complete: they were deleted, or have expired. Choose their files again to resend them.",
      n,
    ),
  lost: ({ n }) =>
    tn(
      "Storage keeps losing parts of this file. Try again later.",
      "Storage keeps losing parts of these files. Try again later.",
      n,
    ),
  refused: () =>
    t("Storage refuses the parts, although they were just signed (403). The operator of this site can fix that."),
  barred: ({ origin = "" }) =>
    t(
      "Storage at {origin} does not take uploads from this page. Its bucket must allow this page's address (CORS); the operator of this site can fix that.",
      { origin },
    ),
  unreadable: ({ n }) =>
    tn(
      "This file cannot be read any more: it was changed, moved or deleted. Choose it again.",
      "These files cannot be read any more: they were changed, moved or deleted. Choose them again.",
      n,
    ),
  stale: ({ n }) =>
    tn(
      "This page has been open too long, or cookies are blocked. Reload it and choose the file again; what was sent is kept.",
      "This page has been open too long, or cookies are blocked. Reload it and choose the files again; what was sent is kept.",
      n,
    ),
  status: ({ status = 0 }) => t("Something between you and Mayfly refused this ({status}).", { status }),
  gaveUp: ({ why = "connection" }) =>
    t(
      "{cause} We stopped trying after a quarter of an hour. The parts sent so far are kept for a while; try again later.",
      { cause: causes[why === "offline" ? "connection" : why]() },
    ),
};

/** @typedef {keyof typeof sentences} Fault */

/** Every fault, by its name. */
export const faults = /** @type {Fault[]} */ (Object.keys(sentences));

/**
 * A fault in words, for one file unless `n` says otherwise.
 *
 * @param {Fault} fault
 * @param {Values} values
 */
export function sentence(fault, values = {}) {
  return sentences[fault]({ n: 1, ...values });
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

/**
 * The reason, in words, why the uploads of so many files ended.
 *
 * @param {unknown} error
 * @param {number} n
 */
export function inWords(error, n) {
  if (error instanceof Passing) return error.details.message ?? causes[error.why]();
  if (!(error instanceof Final)) return String(error); // our own mistake: better shown than hidden
  return error.fault ? sentence(error.fault, { ...error.values, n }) : error.message;
}
