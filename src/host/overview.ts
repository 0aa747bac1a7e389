import type { DlserveError } from '../ground/errors';
import type { Fault } from '../plugin/fault';
import type { Kind, Mode, PluginSettings } from '../plugin/runtime';
import type { State } from '../plugin/state';
import type { Builds } from './builds';
import type { Host } from './host';
import { runtimeOf } from '../runtimes/registry';
import { endpointsOf, listPlugins, type Endpoint, type Listed } from './listing';
import type { Slot } from './slot';

/** How one plugin is. */
export interface PluginInfo {
  /** The `{file}` of its routes. */
  readonly name: string;
  readonly kind: Kind;
  readonly mode: Mode;
  readonly state: State;
  /** Which handlers it has, each by its method and path, then its own routes; none while that is not known. */
  readonly handlers: readonly Endpoint[];
  /** The ids of the processes that are its own. */
  readonly processes: readonly number[];
  /** How many times it was opened. */
  readonly generation: number;
  /** Generations that finish what they have. */
  readonly draining: number;
  /** Generations that are closed, and could not be unloaded from the memory of this process. */
  readonly remains: number;
  /** The last things that went wrong in it, the latest first. */
  readonly faults: readonly Fault[];
  /** Why it could not be built or opened, or is degraded. */
  readonly error?: DlserveError;
}

/** Every plugin there is: by its file, its source, or because it is open still. In alphabetical order. */
export async function overview(
  host: Host,
  builds: Builds,
  pluginpath: string,
  settings: (name: string) => PluginSettings,
): Promise<PluginInfo[]> {
  const listed = new Map((await listPlugins(pluginpath)).map((plugin) => [plugin.name, plugin]));
  const unfinished = builds.unfinished();
  const names = new Set([...listed.keys(), ...unfinished.keys(), ...host.slots.keys()]);
  return [...names].sort().map((name) => {
    const slot = host.slots.get(name);
    const { mode } = settings(name);
    const routes = host.routes.of(name).map(({ method, path }) => ({ method, path }));
    if (slot !== undefined && (slot.state !== 'found' || !listed.has(name))) return ofSlot(slot, routes);
    if (unfinished.has(name)) return unbuilt(name, mode, routes, unfinished.get(name));
    return unopened(listed.get(name)!, mode, routes);
  });
}

const NOT_OPEN = { processes: [], generation: 0, draining: 0, remains: 0, faults: [] } as const;

function ofSlot(slot: Slot, routes: readonly Endpoint[]): PluginInfo {
  const { name, file, state, current, settings, reason } = slot;
  return {
    name,
    kind: file === undefined ? 'library' : runtimeOf(file)!.kind,
    mode: current?.mode ?? settings.mode,
    state,
    handlers: current === undefined ? routes : [...endpointsOf(name, current.handlers), ...routes],
    processes: current?.instance.processes ?? [],
    generation: slot.generations,
    draining: slot.draining.size,
    remains: slot.remains,
    faults: slot.faults,
    ...(reason && { error: reason }),
  };
}

function unbuilt(name: string, mode: Mode, routes: readonly Endpoint[], error: DlserveError | undefined): PluginInfo {
  return { name, kind: 'library', mode, state: error === undefined ? 'building' : 'failed', handlers: routes, ...NOT_OPEN, ...(error && { error }) };
}

function unopened({ name, kind, endpoints, error }: Listed, mode: Mode, routes: readonly Endpoint[]): PluginInfo {
  return { name, kind, mode, state: error === undefined ? 'found' : 'failed', handlers: [...endpoints, ...routes], ...NOT_OPEN, ...(error && { error }) };
}
