import type { ClassicLevel } from 'classic-level';
import { mkdir, realpath } from 'node:fs/promises';
import { messageOf } from '../../../ground/errors';
import { AskError } from '../ask-error';
import type { Entry } from './table';

type Change = { readonly type: 'put'; readonly key: string; readonly value: string } | { readonly type: 'del'; readonly key: string };

interface Kept {
  readonly plugin: string;
  readonly key: string;
  readonly entry: Entry;
}

/**
 * The folders that hosts of this process have open, also those of another copy of dlserve. LevelDB must not be asked for one of them: the
 * system's lock on it would end with the attempt, and another process could open it.
 */
const OPEN: Set<string> = ((globalThis as Record<symbol, unknown>)[Symbol.for('dlserve.state')] ??= new Set()) as Set<string>;

/** What is written of a state, in its order, to a folder that one process has open at a time. */
export class Journal {
  #changes: Change[] = [];
  /** The batch that is being written. */
  #writing: Promise<void> | undefined;

  /** @param onFailure called once, when something could not be written: from then on nothing is */
  constructor(
    private readonly level: ClassicLevel,
    private readonly folder: string,
    private readonly onFailure: () => void,
  ) {}

  async *entries(): AsyncGenerator<Kept> {
    for await (const [place, text] of this.level.iterator()) {
      const [plugin, key] = split(place, '\0');
      const [expiresAt, value] = split(text, ' ');
      yield { plugin, key, entry: { value, expiresAt: expiresAt === '' ? Infinity : Number(expiresAt) } };
    }
  }

  /** An entry has changed. */
  note(plugin: string, key: string, entry: Entry | undefined): void {
    const place = `${plugin}\0${key}`;
    if (entry === undefined) this.#changes.push({ type: 'del', key: place });
    else this.#changes.push({ type: 'put', key: place, value: `${entry.expiresAt === Infinity ? '' : entry.expiresAt} ${entry.value}` });
  }

  /**
   * Resolves when all that was noted is written, and with it what others note meanwhile.
   * @throws AskError STATE_UNAVAILABLE
   */
  async written(): Promise<void> {
    // The batch under way was put together before this was noted.
    if (this.#writing !== undefined && this.#changes.length > 0) await this.#writing;
    if (this.#changes.length > 0 && this.#writing === undefined) this.#writing = this.#write();
    await this.#writing;
  }

  async #write(): Promise<void> {
    const changes = this.#changes;
    this.#changes = [];
    try {
      await this.level.batch(changes);
      this.#writing = undefined;
    } catch (error) {
      this.onFailure();
      await this.close();
      throw unavailable(this.folder, error);
    }
  }

  async close(): Promise<void> {
    await this.level.close().catch(() => undefined);
    OPEN.delete(this.folder);
  }
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}

/**
 * @param onFailure see Journal
 * @throws AskError STATE_UNAVAILABLE
 */
export async function openJournal(file: string, onFailure: () => void): Promise<Journal> {
  let folder: string | undefined;
  try {
    await mkdir(file, { recursive: true, mode: 0o700 });
    const place = await realpath(file);
    if (OPEN.has(place)) throw new Error('another host of this process has it open');
    OPEN.add((folder = place));
    const { ClassicLevel: Level } = loadLevel();
    const level = new Level(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
    await level.open();
    return new Journal(level, folder, onFailure);
  } catch (error) {
    if (folder !== undefined) OPEN.delete(folder);
    throw error instanceof AskError ? error : unavailable(file, error);
  }
}

function loadLevel(): typeof import('classic-level') {
  try {
    return require('classic-level') as typeof import('classic-level');
  } catch (error) {
    const reason = `the package classic-level, which keeps it on disk, can't be loaded (${messageOf(error).split('\n', 1)[0]}): install dlserve without --omit=optional, or leave state.file unset`;
    throw AskError.of('STATE_UNAVAILABLE', { reason });
  }
}

/** What LevelDB has to say is in the cause. */
function unavailable(file: string, error: unknown): AskError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const isLocked = (cause as { code?: unknown }).code === 'LEVEL_LOCKED';
  return AskError.of('STATE_UNAVAILABLE', { reason: `state.file, ${file}: ${isLocked ? 'another process has it open' : messageOf(cause)}` });
}
