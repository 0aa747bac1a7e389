import { messageOf } from '../../ground/errors';
import { LimitedLog } from '../../ground/limited-log';
import type { PluginSource } from '../../plugin/runtime';
import { faultOf, kindOf } from './deaths';
import { fileIdentity, hashFile, type HashedFile } from './file-hash';
import type { SupervisedKeys } from './keys';
import type { Death } from './worker';

/** What the log is told of a plugin's processes. */
export class PluginLog {
  private readonly source: PluginSource<SupervisedKeys>;
  /** A client may know a request that ends any process. */
  private readonly limited: LimitedLog;
  private file: Promise<HashedFile> | null = null;

  constructor(source: PluginSource<SupervisedKeys>) {
    this.source = source;
    this.limited = new LimitedLog(source.log, () => ({ plugin: source.name }));
  }

  /** The library is open, so its file is the one to be known by. */
  opened(): void {
    this.file = hashFile(this.source.file.path);
  }

  /** A new process starts. A plugin is loaded once and kept, but a new process can only load what is there now. */
  restarts(): void {
    const before = this.file;
    if (before === null) return;
    const { file: { path: file }, name, log } = this.source;
    void Promise.all([before, fileIdentity(file).catch(messageOf)]).then(([known, identity]) => {
      if (known.identity === identity || known.identity === '') return;
      log.warn({ plugin: name, file }, 'the library has changed since it was opened: its new process runs the changed one');
      this.file = hashFile(file);
    });
  }

  /** A process came to an end that it was not asked for. Of a plugin that was never open, that is its opening's to tell. */
  death(death: Death): void {
    if (this.file === null) return;
    const { name, file, observer } = this.source;
    const fault = faultOf(death);
    const level = death.ending === null || death.ending === 'fault' ? 'error' : 'warn';
    const { signal = null, status = null, calls } = fault;
    const of = { plugin: name, handlers: calls.map(({ handler }) => handler), requests: calls.map(({ request }) => request) };
    void this.file.then(({ sha256 }) => {
      const fields = { ...of, signal, status, pid: death.pid, sha256 };
      this.limited.write(level, kindOf(death), () => fields, `${file.base} ${fault.reason}`);
    });
    observer.fault(fault);
  }

  rests(crashes: number): void {
    const { name, file, settings, log } = this.source;
    log.error({ plugin: name, crashes, rest: settings.own.rest }, `${file.base} rests`);
  }
}
