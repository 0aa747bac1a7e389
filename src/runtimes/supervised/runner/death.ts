import type { PluginSource } from '../../../plugin/runtime';
import type { SupervisedKeys } from '../keys';
import type { Exit } from '../process';
import type { Death, Ending } from '../worker';
import type { Conversation } from './conversation';
import { culpritOf, readCrash } from './crash-site';
import type { Ledger } from './ledger';
import { lackOf, openError, placeOf } from './opening';

/** What there is of a runner when its process has ended, and all that it had said is read. */
export interface Remains {
  readonly source: PluginSource<SupervisedKeys>;
  readonly calls: Ledger;
  readonly conversation: Conversation;
  readonly ending: Ending | null;
  /** Milliseconds that loading and PluginInit might take. */
  readonly openLimit: number;
  readonly pid: number | null;
  readonly lines: Promise<readonly string[]>;
  /** Milliseconds since its start. */
  readonly age: number;
  readonly exit: Exit;
  /** See Stage. */
  readonly stage: number;
  /** Calls that had begun. */
  readonly begun: number;
  /** What {@link Shared.crash} gave. */
  readonly crash: Buffer;
}

/** How a runner came to its end. Takes its calls from the ledger. */
export function deathOf({ source, calls, conversation, ending, openLimit, pid, lines, age, exit, stage, begun, crash }: Remains): Death {
  const library = source.file.base;
  const words = readCrash(crash, library);
  const waiting = calls.takeWaiting(begun);
  const left = calls.left();
  const limit = ending === 'limit' ? openLimit : null;
  return {
    pid,
    exit,
    lack: lackOf(pid, stage, exit),
    ending,
    stopped: conversation.stopped && exit.status === 0,
    refusal: conversation.isOpen ? null : openError({ library, stage, failure: conversation.failure, exit, limit }),
    culprit: words === null ? null : culpritOf(words, begun, calls, source.handlers),
    site: words?.site ?? null,
    age,
    lines,
    place: placeOf(stage, left.executing.length + left.expired.length),
    ...left,
    waiting,
  };
}
