import { bodyFunctionOf } from '../../binary/names';
import { DlserveError } from '../../ground/errors';
import { BodyMode, type Handlers } from '../../plugin/handlers';

/** What a library says of how its handlers take a request's body: what PluginBody and each <handler>Body returned, by their names. */
export type SaidBodies = ReadonlyMap<string, number>;

const MODES: readonly number[] = Object.values(BodyMode);

/**
 * Notes what a library has said with its handlers.
 * @param library its file's name, for messages
 * @param streams whether a body can come while its handler runs; else such a handler gets it raw, as a whole
 * @throws DlserveError LOAD_FAILED where it says what there is not
 */
export function setBodyModes(handlers: Handlers, said: SaidBodies, library: string, streams: boolean): void {
  for (const [name, mode] of said) {
    if (MODES.includes(mode)) continue;
    throw new DlserveError('LOAD_FAILED', { library, reason: `${name} returned ${mode}, which is no DLSERVE_BODY_ of 0 to 3` });
  }
  for (const symbol of handlers.symbols) {
    const mode = (said.get(bodyFunctionOf(symbol) ?? '') ?? said.get('PluginBody') ?? BodyMode.TEXT) as BodyMode;
    handlers.bySymbol(symbol)!.body = mode === BodyMode.STREAM && !streams ? BodyMode.RAW : mode;
  }
}
