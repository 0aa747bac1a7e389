import { DlserveError } from '../../ground/errors';
import type { NativeSource } from './keys';

/** What of a library runs that nobody can end: it as it is opened, or its calls or PluginStop when its last host has left. */
export type Stuck = 'constructors' | 'init' | 'rest';

/** The error of a library that nobody can have now. */
export function stillRuns(stuck: Stuck, { name, file }: NativeSource): DlserveError {
  if (stuck === 'init') {
    return new DlserveError('INIT_FAILED', { library: file.base, reason: 'it took too long before, and may still run; restart the server to try again' });
  }
  if (stuck === 'constructors') {
    const reason =
      'its constructors took too long before, and still run; try again when they have ended; if they never do, restart the server, ' +
      'and use mode "process"';
    return new DlserveError('LOAD_FAILED', { library: file.base, reason });
  }
  const reason =
    'calls of it, or its PluginStop, still run since it was closed, and nobody can end them; try again when they have come back, ' +
    'or restart the server; mode "process" ends such calls';
  return new DlserveError('UNAVAILABLE', { plugin: name, reason });
}
