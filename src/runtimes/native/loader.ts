import { DlserveError } from '../../ground/errors';
import { within } from '../../ground/waiting';
import { exitWithoutWaiting } from './exit';

/** The cause of an error that leaves code of a library running. */
export class StillRuns extends Error {}

/**
 * The system's loader has one lock for the whole process, and holds it while the constructors of a library run. Whoever asks it
 * for anything meanwhile, also for the address of a symbol, waits: the event loop must never be the one. So libraries are opened and
 * closed one after the other, each off the event loop where it may take long.
 */
let last: Promise<unknown> = Promise.resolve();

/** The library whose constructors hang, and hold the loader for good. */
let stuck: string | undefined;
let isProvidedFor = false;

/**
 * Opens or closes a library while nobody else does.
 * @param library its file's name, for messages
 * @param limit milliseconds that the task may take, once it is its turn; after that no library is opened in this process any more
 * @throws DlserveError LOAD_FAILED where the loader is held for good, and what the task throws
 */
export async function openAlone<T>(library: string, limit: number, task: () => Promise<T> | T): Promise<T> {
  const turn = last.then(async () => {
    if (!isProvidedFor) exitWithoutWaiting(() => stuck !== undefined);
    isProvidedFor = true;
    if (stuck !== undefined) throw isStuck(library, stuck);
    const done = await within(Promise.resolve(task()).then((value) => ({ value })), limit);
    if (done !== undefined) return done.value;
    stuck = library;
    throw new DlserveError('LOAD_FAILED', { library, reason: `its constructors took longer than ${limit} ms` }, { cause: new StillRuns() });
  });
  last = turn.catch(() => undefined);
  return turn;
}

function isStuck(library: string, holder: string): DlserveError {
  const mend = `restart the server, and use mode "process" for ${holder}`;
  return new DlserveError('LOAD_FAILED', {
    library,
    reason: `the constructors of ${holder} hang and hold the system's loader, so nothing more can be opened: ${mend}`,
  });
}
