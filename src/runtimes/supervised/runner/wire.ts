import { DlserveError } from '../../../ground/errors';
import type { PluginSource } from '../../../plugin/runtime';
import type { SupervisedKeys } from '../keys';
import type { Wire } from '../worker';
import { frameBound } from './batch';
import type { AwaitEvent } from './lone-call';
import { MAX_FRAME } from './protocol';
import { Runner } from './runner';

/**
 * The wire of libraries: workers are processes of the native runner.
 * @param executable the runner
 * @param openLimit milliseconds that loading and PluginInit may take
 * @param awaitEvent undefined where nothing is to be waited for actively
 */
export function runnerWire(executable: string, source: PluginSource<SupervisedKeys>, openLimit: number, awaitEvent?: AwaitEvent): Wire {
  return {
    start: (owner) => new Runner(executable, source, openLimit, owner, awaitEvent),
    refuse: (exchange) => (frameBound(exchange) > MAX_FRAME ? new DlserveError('BODY_TOO_LARGE', { limit: MAX_FRAME }) : undefined),
  };
}
