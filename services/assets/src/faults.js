// What can go wrong with a request, told apart by what to do about it.

/** It did not get through, or the answer is "later": try again. `retryAfter` in milliseconds, where the server says. */
export class Passing extends Error {
  constructor(why, { retryAfter, ...details } = {}) {
    super(why);
    this.why = why;
    this.retryAfter = retryAfter;
    this.details = details;
  }
}

/** The server does not have this transfer any more. */
export class Gone extends Error {}

/** The server has not got these parts. */
export class Missing extends Error {
  constructor(numbers) {
    super("parts are missing");
    this.numbers = numbers;
  }
}

/** Trying again changes nothing. `message` is in words for people; or `word` names one of ours, with its `values`. */
export class Final extends Error {
  constructor({ message = "", word = "", values = {} }) {
    super(message || word);
    this.word = word;
    this.values = values;
  }
}
