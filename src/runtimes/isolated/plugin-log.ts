import path from 'node:path';
import { messageOf } from '../../ground/errors';
import type { PluginSource } from '../../contract/runtime';
import { describeDeath, type Death } from './deaths';
import { fileIdentity, libraryFile, type LibraryFile } from './library-file';

/** What the log is told of a plugin's processes. */
export class PluginLog {
  private readonly source: PluginSource;
  private readonly library: string;
  private file: Promise<LibraryFile> | null = null;

  constructor(source: PluginSource) {
    this.source = source;
    this.library = path.basename(source.path);
  }

  /** The library is open, so its file is the one to be known by. */
  opened(): void {
    this.file = libraryFile(this.source.path);
  }

  /** A new process starts. A plugin is loaded once and kept, but a new process can only load what is there now. */
  restarts(): void {
    const before = this.file;
    if (before === null) return;
    const { path: file, name, log } = this.source;
    void Promise.all([before, fileIdentity(file).catch(messageOf)]).then(([known, identity]) => {
      if (known.identity === identity || known.identity === '') return;
      log.warn({ plugin: name, file }, 'the library has changed since it was opened: its new process runs the changed one');
      this.file = libraryFile(file);
    });
  }

  /** A process came to an end that it was not asked for. */
  death(death: Death): void {
    const { name, symbols, log } = this.source;
    const calls = [...death.executing, ...death.expired];
    void this.file?.then(({ sha256 }) => {
      const fields = {
        plugin: name,
        handlers: calls.map((call) => symbols[call.symbol]),
        requests: calls.map((call) => call.id),
        signal: death.exit.signal,
        status: death.exit.status,
        pid: death.pid,
        sha256,
      };
      const level = death.ending === null || death.ending === 'fault' ? 'error' : 'warn';
      log[level](fields, `${this.library} ${describeDeath(death)}`);
    });
  }

  rests(crashes: number): void {
    const { name, settings, log } = this.source;
    log.error({ plugin: name, crashes, rest: settings.rest }, `${this.library} rests`);
  }
}
