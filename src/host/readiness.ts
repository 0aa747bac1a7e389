import { DlserveError, messageOf } from '../ground/errors';
import type { State } from '../plugin/state';

/** How one plugin is that the server is not ready without. */
export interface PluginReadiness {
  readonly name: string;
  readonly state: State;
  /** It answers. */
  readonly ready: boolean;
  /** Why it does not, as far as that is known. */
  readonly error?: DlserveError;
}

/** Whether a host can do its work. */
export interface Readiness {
  readonly ready: boolean;
  /** The plugins with `required = true`. */
  readonly plugins: readonly PluginReadiness[];
}

/** Those in which a plugin answers. */
export const ANSWERING: ReadonlySet<string> = new Set(['ready', 'degraded']);

/** @param error why it is not there, as it was thrown */
export function pluginReadiness(name: string, state: State, error: unknown): PluginReadiness {
  const ready = ANSWERING.has(state);
  return { name, state, ready, ...(!ready && error !== undefined && { error: known(error) }) };
}

function known(error: unknown): DlserveError {
  return error instanceof DlserveError ? error : new DlserveError('UNAVAILABLE', { plugin: 'it', reason: messageOf(error) }, { cause: error });
}
