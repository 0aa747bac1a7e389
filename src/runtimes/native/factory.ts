import { DlserveError } from '../../ground/errors';
import { useKoffi } from './koffi/koffi';

/** The functions of a PluginFactory by their addresses; 0n where it has none. */
export interface Factory {
  readonly name: bigint;
  readonly start: bigint;
  readonly stop: bigint;
  readonly routes: bigint;
}

/** struct dlserve_plugin of native/include/dlserve.h, as 64-bit machines lay it out: where its fields are, in bytes. */
export const FACTORY = { SIZE: 0, ABI: 4, NAME: 8, START: 16, STOP: 24, ROUTES: 32, END: 40 } as const;
const { SIZE, NAME, START, STOP, ROUTES, END } = FACTORY;

/**
 * Reads the object that a library exports as its PluginFactory.
 * @param library its file's name, for messages
 * @throws DlserveError LOAD_FAILED
 */
export function readFactory(at: bigint, library: string): Factory {
  const { system } = useKoffi();
  const bytes = Buffer.alloc(END);
  system.memcpy(bytes, at, NAME);
  const size = bytes.readUInt32LE(SIZE);
  if (size > NAME) system.memcpy(bytes, at, Math.min(size, END));
  const field = (offset: number): bigint => (size >= offset + 8 ? bytes.readBigUInt64LE(offset) : 0n);
  const factory = { name: field(NAME), start: field(START), stop: field(STOP), routes: field(ROUTES) };
  if (factory.name !== 0n) return factory;
  throw new DlserveError('LOAD_FAILED', { library, reason: 'its PluginFactory has no name, or no size that holds one' });
}
