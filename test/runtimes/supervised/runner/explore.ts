/** Something that one side does at once. */
export interface Step<State> {
  /** Several steps of one label are alternatives. */
  readonly label: string;
  /** Whether it can be done now. */
  readonly when: (state: State) => boolean;
  readonly go: (state: State) => void;
}

/**
 * Visits every state that any order of steps leads to.
 * @param check throws where a state must not be. `isEnd`: nothing more can happen
 * @returns how many states there are
 * @throws Error with the way to a state that must not be
 */
export function explore<State>(initial: State, steps: readonly Step<State>[], check: (state: State, isEnd: boolean) => void): number {
  const known = new Set([JSON.stringify(initial)]);
  const open: { readonly state: State; readonly path: string }[] = [{ state: initial, path: '' }];
  for (const { state, path } of open) {
    const possible = steps.filter((step) => step.when(state));
    try {
      check(state, possible.length === 0);
    } catch (error) {
      throw new Error(`after${path}: ${(error as Error).message}`, { cause: error });
    }
    for (const { label, go } of possible) {
      const next = JSON.parse(JSON.stringify(state)) as State;
      go(next);
      const key = JSON.stringify(next);
      if (known.has(key)) continue;
      known.add(key);
      open.push({ state: next, path: `${path} ${label}` });
    }
  }
  return known.size;
}
