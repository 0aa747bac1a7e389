import { libraryEndings } from '../../../binary/endings';
import { openLimit, type Runtime } from '../../../plugin/runtime';
import { SUPERVISED_KEYS } from '../keys';
import { processAddon } from '../process-addon';
import { checkRunner } from './executable';
import type { AwaitEvent } from './lone-call';

export interface ProcessOptions {
  /** Path of the runner; the installed one unless given. */
  readonly runner?: string;
  /** Milliseconds, in place of the contract's. */
  readonly openLimit?: number;
  /** Gives what waits actively for the reply to a call that is alone, where that is possible; asked for the first plugin. */
  readonly activeWait?: () => AwaitEvent | undefined;
}

/** Mode "process": each library lives in processes of its own, those of the native runner. */
export function processRuntime(options: ProcessOptions = {}): Runtime<typeof SUPERVISED_KEYS> {
  const runner = (): string => options.runner ?? checkRunner();
  const load = () => ({ ...(require('../instance') as typeof import('../instance')), ...(require('./wire') as typeof import('./wire')) });
  const examine = () => (require('../../../binary/file') as typeof import('../../../binary/file')).examineLibrary;
  return {
    kind: 'library',
    mode: 'process',
    endings: libraryEndings(),
    keys: SUPERVISED_KEYS,
    check: () => void runner(),
    loadAhead: () => {
      load();
      examine();
      processAddon();
    },
    examine: (file, routed) => examine()(file, routed),
    open: async (source) => {
      const { SupervisedInstance, runnerWire } = load();
      const limit = options.openLimit ?? openLimit(source.settings);
      return SupervisedInstance.open(runnerWire(runner(), source, limit, options.activeWait?.()), source);
    },
  };
}
