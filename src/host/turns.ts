/** What is done to one of several things is done one after the other; what is done to different ones, beside each other. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** What is under way or waits for its turn. */
  get underway(): Promise<unknown>[] {
    return [...this.#last.values()];
  }

  /** Does something to the thing of that name when all is done that was to be done to it before, whatever came of that. */
  take<T>(name: string, task: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(task, task);
    this.#last.set(name, turn);
    const forget = (): void => {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    };
    turn.then(forget, forget);
    return turn;
  }
}
