import { addonIfAny } from './addon';

/**
 * What waits actively until something happens to the event loop, for so many microseconds at most, and tells whether it did; undefined
 * without the addon, and where nothing can happen meanwhile, for there is one processor.
 */
export function activeWait(): ((microseconds: number) => boolean) | undefined {
  const addon = addonIfAny();
  return addon?.mayWait() === true ? (microseconds) => addon.awaitEvent(microseconds) : undefined;
}
