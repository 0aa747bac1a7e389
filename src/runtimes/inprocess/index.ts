import type { Runtime } from '../../contract/runtime';
import { loadAddon } from './addon';
import { addonInline } from './addon-inline';
import { AddonThreadRuntime } from './addon-thread';
import { koffiInline } from './koffi-inline';
import { KoffiThreadRuntime } from './koffi-thread';

export interface InprocessOptions {
  /** false: as if the addon had not been built. */
  readonly addon?: boolean;
}

/** Mode "thread": handlers run in this process, off the event loop. */
export function createThreadRuntime(options: InprocessOptions = {}): Runtime {
  const addon = options.addon === false ? 'it is not wanted' : loadAddon();
  return typeof addon === 'string' ? new KoffiThreadRuntime(addon) : new AddonThreadRuntime(addon);
}

/** Mode "inline": handlers run in this process, on the event loop. */
export function createInlineRuntime(options: InprocessOptions = {}): Runtime {
  const addon = options.addon === false ? 'it is not wanted' : loadAddon();
  return typeof addon === 'string' ? koffiInline() : addonInline(addon);
}
