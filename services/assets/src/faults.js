// The faults of a transfer, a class for each way to react.

/** @import { Cause, Fault, Values } from "./sentences.js" */

/** Why a transfer ended, or a part stopped travelling, though nothing went wrong with it. */
export const CANCELLED = new DOMException("cancelled", "AbortError");
export const PAUSED = new DOMException("paused", "AbortError");
export const SLOW = new DOMException("one part at a time is faster", "AbortError");
export const LOST = new DOMException("the connection is lost", "AbortError");

/** The request did not get through, or the server said "later": try again. */
export class Passing extends Error {
  /**
   * @param {Cause} why
   * @param {{ retryAfter?: number, message?: string }} [details] from the server: when to try again, in ms, and why
   */
  constructor(why, details = {}) {
    super(why);
    this.why = why;
    this.details = details;
  }
}

/** The server does not have this transfer any more. */
export class Gone extends Error {}

/** The server does not have these parts. */
export class Missing extends Error {
  /** @param {number[]} numbers */
  constructor(numbers) {
    super("parts are missing");
    this.numbers = numbers;
  }
}

/** Trying again changes nothing. Either `message`, in the server's words, or one of our own faults with its values. */
export class Final extends Error {
  /** @param {{ message?: string, fault?: Fault, values?: Values }} given */
  constructor({ message = "", fault, values = {} }) {
    super(message || fault);
    this.fault = fault;
    this.values = values;
  }
}
