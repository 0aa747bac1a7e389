import { readFunctions, type Functions } from '../../binary/functions';
import { messageOf } from '../../ground/errors';
import { LimitedLog } from '../../ground/limited-log';
import { surface } from '../../ground/surface';
import { within } from '../../ground/waiting';
import type { Exchange } from '../../plugin/exchange';
import type { PluginSource } from '../../plugin/runtime';
import { faultOf, kindOf } from './deaths';
import { fileIdentity, hashFile, type HashedFile } from './file-hash';
import type { SupervisedKeys } from './keys';
import type { Resting } from './quarantine';
import { describeStack } from './stack';
import type { Death } from './worker';

/** Milliseconds that the last lines of a process are waited for: one that it has left behind may keep them open. */
const LINES_LIMIT = 1000;

/** What the log and the host are told of a plugin's processes. */
export class PluginLog {
  private readonly source: PluginSource<SupervisedKeys>;
  /** A client may know a request that ends any process. */
  private readonly limited: LimitedLog;
  private file: Promise<HashedFile> | null = null;
  private functions: Promise<Functions | null> | null = null;
  /** Reports that are still being written. */
  private readonly reports = new Set<Promise<void>>();

  constructor(source: PluginSource<SupervisedKeys>) {
    this.source = source;
    this.limited = new LimitedLog(source.log, () => ({ plugin: source.name }));
  }

  /** The library is open, so its file is the one to be known by. */
  opened(): void {
    this.file = hashFile(this.source.file.path);
  }

  /** A new process starts. It loads what the last one did, but where no private copy could be made and the file has been replaced since. */
  restarts(): void {
    const before = this.file;
    if (before === null) return;
    const { file: { path: file }, name, log } = this.source;
    void Promise.all([before, fileIdentity(file).catch(messageOf)]).then(([known, identity]) => {
      if (known.identity === identity || known.identity === '') return;
      log.warn({ plugin: name, file }, 'the library has changed since it was opened: its new process runs the changed one');
      this.file = hashFile(file);
      this.functions = null;
    });
  }

  /**
   * A process came to an end that it was not asked for. Of a plugin that was never open, that is its opening's to tell.
   * @param again calls in it that are made again
   */
  death(death: Death, again: readonly Exchange[] = []): void {
    if (this.file === null) return;
    const report = this.report(death, again, this.file).catch(surface);
    this.reports.add(report);
    void report.then(() => this.reports.delete(report));
  }

  /** Resolves when all is told, and keeps the host from ending until then. */
  async told(): Promise<void> {
    await within(Promise.all(this.reports), 2 * LINES_LIMIT);
  }

  private async report(death: Death, again: readonly Exchange[], file: Promise<HashedFile>): Promise<void> {
    const { name, file: { base }, handlers: { symbols }, observer } = this.source;
    const [{ sha256 }, output, stack] = await Promise.all([file, within(death.lines, LINES_LIMIT), this.stackOf(death)]);
    const fault = faultOf(death, { plugin: name, symbols, again, sha256, output: output ?? [], stack });
    const { signal = null, status = null, calls, reason, address, age } = fault;
    const lost = calls.filter(({ request }) => fault.again?.includes(request) !== true);
    const of = { plugin: name, handlers: lost.map(({ handler }) => handler), requests: lost.map(({ request }) => request) };
    const level = death.ending === null || death.ending === 'fault' ? 'error' : 'warn';
    this.limited.write(level, kindOf(death), () => ({ ...of, again: fault.again, signal, status, pid: death.pid, address, stack, output: fault.output, age, sha256 }), `${base} ${reason}`);
    observer.fault(fault);
  }

  private async stackOf({ site }: Death): Promise<string[] | undefined> {
    if (site === null || site.frames.length === 0) return undefined;
    this.functions ??= readFunctions(this.source.file.path);
    return describeStack(site, await this.functions);
  }

  rests(crashes: number): void {
    const { name, file, settings, log } = this.source;
    log.error({ plugin: name, crashes, rest: settings.own.rest }, `${file.base} rests`);
  }

  handlerRests(handler: string, { calls, faults }: Resting): void {
    const { name, file, settings, log } = this.source;
    const words = `${handler} in ${file.base} rests: ${faults} of its last ${calls} calls crashed or hung`;
    log.error({ plugin: name, handler, calls, faults, rest: settings.own.rest }, words);
  }

  handlerIsWell(handler: string): void {
    const { name, file, log } = this.source;
    log.info({ plugin: name, handler }, `${handler} in ${file.base} is well again`);
  }

  /** So many processes are wanted now. */
  scales(workers: number): void {
    const { name, file, log } = this.source;
    log.debug({ plugin: name, workers }, `${file.base} has ${workers} processes from now on`);
  }
}
