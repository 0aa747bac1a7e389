import type { State, StateSettings } from './state';

/** A state in this process, of which nothing is loaded before the first plugin asks. */
export function lateState(settings: StateSettings): State {
  let own: State | undefined;
  const open = (): State => {
    const { OwnState } = require('./own-state') as typeof import('./own-state');
    return new OwnState(settings);
  };
  return {
    apply: (plugin, operation) => (own ??= open()).apply(plugin, operation),
    close: () => own?.close() ?? Promise.resolve(),
  };
}
