// Whether a transfer is paused, and how its workers wait until it is not.

export class Pause {
  /** @type {PromiseWithResolvers<void> | null} */
  #over = null;

  get on() {
    return this.#over !== null;
  }

  begin() {
    this.#over ??= Promise.withResolvers();
  }

  end() {
    this.#over?.resolve();
    this.#over = null;
  }

  /**
   * Wait until there is no pause. Rejects with the signal's reason once that is aborted; `end` has to be called too.
   *
   * @param {AbortSignal} signal
   */
  async wait(signal) {
    while (this.#over && !signal.aborted) await this.#over.promise;
    signal.throwIfAborted();
  }
}
