import type { Answer } from '../../../plugin/services';
import { answerOf, AskError } from '../ask-error';
import { openJournal, type Journal } from './journal';
import type { Operation } from './operation';
import type { State, StateSettings } from './state';
import { Table } from './table';

/** All tables, and where they are kept. */
interface Open {
  readonly tables: Map<string, Table>;
  readonly journal: Journal | undefined;
}

/**
 * The state in this process: tables in memory, which a journal follows where it is to be kept. An answer waits until what it says is in the
 * journal, and so outlives this process, however that ends.
 */
export class OwnState implements State {
  #open: Promise<Open> | undefined;
  #isClosed = false;

  constructor(private readonly settings: StateSettings) {}

  async apply(plugin: string, operation: Operation): Promise<Answer> {
    try {
      if (this.#isClosed) throw AskError.of('STATE_UNAVAILABLE', { reason: 'the server is stopping' });
      const { tables, journal } = await (this.#open ??= this.#load());
      const json = this.#table(tables, journal, plugin).apply(operation, Date.now());
      await journal?.written();
      return { isOk: true, json };
    } catch (error) {
      return answerOf(error);
    }
  }

  #table(tables: Map<string, Table>, journal: Journal | undefined, plugin: string): Table {
    let table = tables.get(plugin);
    if (table === undefined) {
      table = new Table(plugin, this.settings, (key, entry) => journal?.note(plugin, key, entry));
      tables.set(plugin, table);
    }
    return table;
  }

  async #load(): Promise<Open> {
    const { file } = this.settings;
    const tables = new Map<string, Table>();
    if (file === undefined) return { tables, journal: undefined };
    // What could not be opened, or not be written, is opened anew for the next who asks: memory has what the journal lacks.
    const forget = (): void => void (this.#open = undefined);
    let journal: Journal | undefined;
    try {
      journal = await openJournal(file, forget);
      for await (const { plugin, key, entry } of journal.entries()) this.#table(tables, journal, plugin).load(key, entry);
      return { tables, journal };
    } catch (error) {
      forget();
      await journal?.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const open = await this.#open?.catch(() => undefined);
    await open?.journal?.close();
  }
}
