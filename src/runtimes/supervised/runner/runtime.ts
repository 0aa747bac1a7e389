import { examineLibrary, libraryEndings } from '../../../binary/file';
import { openLimit, type Runtime } from '../../../plugin/runtime';
import { SUPERVISED_KEYS } from '../keys';
import { checkRunner } from './executable';

export interface ProcessOptions {
  /** Path of the runner; the installed one unless given. */
  readonly runner?: string;
  /** Milliseconds, in place of the contract's. */
  readonly openLimit?: number;
}

/** Mode "process": each library lives in processes of its own, those of the native runner. */
export function processRuntime(options: ProcessOptions = {}): Runtime<typeof SUPERVISED_KEYS> {
  const runner = (): string => options.runner ?? checkRunner();
  return {
    kind: 'library',
    mode: 'process',
    endings: libraryEndings(),
    keys: SUPERVISED_KEYS,
    check: () => void runner(),
    examine: examineLibrary,
    open: async (source) => {
      const { SupervisedInstance } = require('../instance') as typeof import('../instance');
      const { runnerWire } = require('./wire') as typeof import('./wire');
      return SupervisedInstance.open(runnerWire(runner(), source, options.openLimit ?? openLimit(source.settings)), source);
    },
  };
}
