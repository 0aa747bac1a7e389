import { libraryEndings } from '../../binary/endings';
import type { Mode, Runtime } from '../../plugin/runtime';
import type { AddonOrReason } from './addon';
import type { OpenImage, Opener } from './images';
import { NATIVE_KEYS, type NativeSource } from './keys';

export interface NativeOptions {
  /** false: as if the addon had not been built. */
  readonly addon?: boolean;
}

type Open = (source: NativeSource) => Promise<OpenImage>;

/** Mode "thread": handlers run in this process, off the event loop. */
export function threadRuntime(options: NativeOptions = {}): Runtime<typeof NATIVE_KEYS> {
  return nativeRuntime('thread', options, (addon) =>
    typeof addon === 'string'
      ? (require('./thread/koffi-thread') as typeof import('./thread/koffi-thread')).koffiThread(addon)
      : (require('./thread/addon-thread') as typeof import('./thread/addon-thread')).addonThread(addon),
  );
}

/** Mode "inline": handlers run in this process, on the event loop. */
export function inlineRuntime(options: NativeOptions = {}): Runtime<typeof NATIVE_KEYS> {
  return nativeRuntime('inline', options, (addon) =>
    typeof addon === 'string'
      ? (require('./inline/koffi-inline') as typeof import('./inline/koffi-inline')).koffiInline
      : (require('./inline/addon-inline') as typeof import('./inline/addon-inline')).addonInline(addon),
  );
}

/** What it takes is loaded for the first plugin that needs it. */
function nativeRuntime(mode: Mode, options: NativeOptions, load: (addon: AddonOrReason) => Open): Runtime<typeof NATIVE_KEYS> {
  let opener: Opener | undefined;
  const examine = () => (require('../../binary/file') as typeof import('../../binary/file')).examineLibrary;
  const images = () => require('./images') as typeof import('./images');
  return {
    kind: 'library',
    mode,
    endings: libraryEndings(),
    keys: NATIVE_KEYS,
    check: () => undefined,
    loadAhead: () => {
      examine();
      images();
      opener ??= openerOf(options, load);
      (require('./koffi/koffi') as typeof import('./koffi/koffi')).useKoffi();
    },
    examine: (file, routed) => examine()(file, routed),
    open: async (source) => {
      opener ??= openerOf(options, load);
      return images().openShared(source, opener);
    },
  };
}

function openerOf(options: NativeOptions, load: (addon: AddonOrReason) => Open): Opener {
  const { loadAddon } = require('./addon') as typeof import('./addon');
  const addon = options.addon === false ? 'it is not wanted' : loadAddon();
  const open = load(addon);
  // Without the addon the threads of a process know nothing of each other.
  if (typeof addon === 'string') return { open, claim: () => true, unclaim: () => undefined };
  return { open, claim: (identity) => addon.claim(identity), unclaim: (identity) => addon.unclaim(identity) };
}
