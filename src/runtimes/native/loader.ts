import { DlserveError } from '../../ground/errors';
import { within } from '../../ground/waiting';
import { exitWithoutWaiting } from './exit';

/** The cause of an error that leaves code of a library running. */
export class StillRuns extends Error {
  /** @param end resolves when it has come to its end after all and left nothing behind; without one that is never known */
  constructor(readonly end: Promise<void> = new Promise(() => undefined)) {
    super();
  }
}

/** What a library does while it has the loader: its constructors are part of its opening, its destructors of its unloading. */
export type LoaderTask = 'opening' | 'unloading';

/**
 * The system's loader has one lock for the whole process, and holds it while the constructors of a library run. Whoever asks it
 * for anything meanwhile, also for the address of a symbol, waits: the event loop must never be the one. So libraries are opened and
 * closed one after the other, each off the event loop where it may take long.
 */
let last: Promise<unknown> = Promise.resolve();

/** What takes longer than it may, and holds the loader until it ends. */
let stuck: { readonly library: string; readonly task: LoaderTask } | undefined;
let isProvidedFor = false;

/**
 * Opens or closes a library while nobody else does.
 * @param library its file's name, for messages
 * @param limit milliseconds that the work may take, once it is its turn; after that no library is opened in this process before it ends
 * @param leave called where the work has taken longer and has ended after all, whatever came of it
 * @throws DlserveError LOAD_FAILED, its cause StillRuns where the work goes on, and what the work throws
 */
export async function openAlone<T>(
  library: string,
  task: LoaderTask,
  limit: number,
  work: () => Promise<T> | T,
  leave: () => Promise<void> | void = () => undefined,
): Promise<T> {
  const turn = last.then(async () => {
    if (!isProvidedFor) exitWithoutWaiting(() => stuck !== undefined);
    isProvidedFor = true;
    if (stuck !== undefined) throw isHeld(library, stuck);
    const working = Promise.resolve(work());
    const done = await within(working.then((value) => ({ value })), limit);
    if (done !== undefined) return done.value;
    stuck = { library, task };
    const end = working
      .then(nothing, nothing)
      .then(() => {
        stuck = undefined;
        return leave();
      })
      .catch(nothing);
    throw new DlserveError('LOAD_FAILED', { library, reason: `${STEP[task]} took longer than ${limit} ms` }, { cause: new StillRuns(end) });
  });
  last = turn.catch(nothing);
  return turn;
}

const nothing = (): void => undefined;

const STEP = { opening: 'its constructors', unloading: 'its unloading' } as const;

function isHeld(library: string, { library: holder, task }: NonNullable<typeof stuck>): DlserveError {
  const what = task === 'opening' ? 'the constructors' : 'the unloading';
  const mend = `try again when that has ended; if it never does, restart the server, and use mode "process" for ${holder}`;
  return new DlserveError('LOAD_FAILED', {
    library,
    reason: `${what} of ${holder} took too long and may still hold the system's loader, so nothing more can be opened now: ${mend}`,
  });
}
