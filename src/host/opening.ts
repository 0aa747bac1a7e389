import { DlserveError, messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { isShortage } from '../ground/shortage';
import type { PluginFile, PluginSettings } from '../plugin/runtime';
import type { Services } from '../plugin/services';
import { runtimeOf } from '../runtimes/registry';
import { Generation } from './generation';
import { copyOf, fileOf, type PrivateCopy } from './private-copy';
import type { Slot } from './slot';
import { tryOut } from './trial';

/** Where generations are opened. */
export interface Place {
  readonly pluginpath: string;
  readonly log: Logger;
  readonly services: Services;
}

/** Milliseconds that a generation gets for its end which was opened and is not taken. */
const END_LIMIT = 10_000;

/**
 * Opens the next generation of a plugin: copied, examined, loaded, initialised, and tried out where another one answers still. Nothing
 * is left of it where that fails.
 * @param source what it is to run from: a file in pluginpath, or what another generation runs from
 * @param settings in which mode, and how
 * @throws DlserveError LOAD_FAILED, ABI_UNSUPPORTED, INIT_FAILED, TRIAL_FAILED or UNAVAILABLE
 */
export async function openGeneration(slot: Slot, source: PluginFile | PrivateCopy, settings: PluginSettings, place: Place): Promise<Generation> {
  const file = fileOf(source);
  let copy: PrivateCopy | undefined;
  try {
    const runtime = runtimeOf(file, settings.mode);
    if (runtime === undefined) {
      throw new DlserveError('BAD_CONFIG', { reason: `${file.base} can't run in mode "${settings.mode}": choose another one for it` });
    }
    copy = await copyOf(source, place.pluginpath, place.log);
    if (copy.isOriginal && slot.current?.copy.isOriginal === true && settings.mode !== 'process') throw notReplaceable(file);
    const { name } = slot;
    const number = slot.generations + 1;
    const handlers = await runtime.examine(copy.file, settings.routes.map(({ handler }) => handler));
    const { log, services } = place;
    const instance = await runtime.open({ name, file: copy.file, handlers, settings, log, services, observer: slot.observerOf(number) });
    const generation = new Generation(number, settings.mode, copy, instance);
    if (slot.current !== undefined && settings.trial !== undefined) await trial(slot, generation, settings.trial);
    return generation;
  } catch (thrown) {
    await copy?.remove();
    throw isShortage(thrown) ? unavailable(slot.name, thrown) : readable(thrown, file, copy);
  }
}

async function trial({ name, settings }: Slot, generation: Generation, func: string): Promise<void> {
  try {
    await tryOut(name, generation, func, settings.timeout);
  } catch (error) {
    await generation.close(END_LIMIT);
    throw error;
  }
}

function notReplaceable({ base }: PluginFile): DlserveError {
  const reason = 'it is open already from the very file, of which no copy could be made: let the server write to its folder, or use mode "process"';
  return new DlserveError('LOAD_FAILED', { library: base, reason });
}

/** The system is short of something: that is no fault of the plugin's, and the next call tries again. */
function unavailable(plugin: string, cause: unknown): DlserveError {
  if (cause instanceof DlserveError && cause.code === 'UNAVAILABLE') return cause;
  return new DlserveError('UNAVAILABLE', { plugin, reason: messageOf(cause) }, { cause, headers: { 'Retry-After': '1' } });
}

/** Clients are told which file it was, not where. */
function readable(error: unknown, { path, base }: PluginFile, copy: PrivateCopy | undefined): DlserveError {
  if (!(error instanceof DlserveError)) return new DlserveError('LOAD_FAILED', { library: base, reason: messageOf(error) }, { cause: error });
  const places = [path, ...(copy === undefined ? [] : [copy.file.path])].filter((place) => error.message.includes(place));
  if (places.length === 0) return error;
  const hide = (text: string): string => places.reduce((hidden, place) => hidden.replaceAll(place, base), text);
  const details = Object.entries(error.details).map(([name, value]) => [name, typeof value === 'string' ? hide(value) : value] as const);
  return new DlserveError(error.code, Object.fromEntries(details), { cause: error, headers: error.headers });
}
