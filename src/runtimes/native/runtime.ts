import { examineLibrary, libraryEndings } from '../../binary/file';
import type { Mode, PluginSource, Runtime } from '../../plugin/runtime';
import type { AddonOrReason } from './addon';
import type { OpenImage } from './images';
import { NATIVE_KEYS } from './keys';

export interface NativeOptions {
  /** false: as if the addon had not been built. */
  readonly addon?: boolean;
}

type Open = (source: PluginSource) => Promise<OpenImage>;

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
  let open: Open | undefined;
  return {
    kind: 'library',
    mode,
    endings: libraryEndings(),
    keys: NATIVE_KEYS,
    check: () => undefined,
    examine: examineLibrary,
    open: async (source) => {
      const { loadAddon } = require('./addon') as typeof import('./addon');
      const { openShared } = require('./images') as typeof import('./images');
      open ??= load(options.addon === false ? 'it is not wanted' : loadAddon());
      return openShared(source, open);
    },
  };
}
