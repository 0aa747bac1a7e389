import { DlserveError, messageOf } from '../ground/errors';
import type { PluginSettings } from '../plugin/runtime';
import type { State } from '../plugin/state';
import type { Builds } from './builds';
import type { Order } from './order';
import type { Slot } from './slot';

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

/** Whose plugins they are. */
interface Plugins {
  readonly slots: ReadonlyMap<string, Slot>;
  readonly order: Pick<Order, 'wanted' | 'errorOf'>;
  readonly settings: (name: string) => PluginSettings;
  readonly builds: Builds;
}

/** How each plugin is that the server is not ready without, by name. */
export function readinessOf(plugins: Plugins): PluginReadiness[] {
  const { slots, order, settings } = plugins;
  const names = [...new Set([...order.wanted, ...slots.keys()])].filter((name) => settings(name).required);
  return names.sort().map((name) => readinessOfOne(name, plugins));
}

function readinessOfOne(name: string, { slots, order, builds }: Plugins): PluginReadiness {
  const slot = slots.get(name);
  const error = slot?.reason ?? order.errorOf(name);
  if (slot !== undefined && slot.state !== 'found') return readiness(name, slot.state, error);
  const built = builds.unfinished();
  if (built.has(name) && built.get(name) === undefined) return readiness(name, 'building', undefined);
  return readiness(name, error === undefined ? 'opening' : 'failed', error);
}

/** @param error why it is not there, as it was thrown */
function readiness(name: string, state: State, error: unknown): PluginReadiness {
  const ready = ANSWERING.has(state);
  return { name, state, ready, ...(!ready && error !== undefined && { error: known(error) }) };
}

function known(error: unknown): DlserveError {
  return error instanceof DlserveError ? error : new DlserveError('UNAVAILABLE', { plugin: 'it', reason: messageOf(error) }, { cause: error });
}
