import { messageOf } from '../../../ground/errors';
import type { PluginSource } from '../../../plugin/runtime';
import type { SupervisedKeys } from '../keys';

/** What the log is told of one runner while it lives: each kind of line once, however often it happens. */
export class RunnerLog {
  private lackedMemory = false;
  private fewestThreads = Infinity;

  constructor(
    private readonly source: PluginSource<SupervisedKeys>,
    private readonly pid: number | null,
  ) {}

  /** It had no memory for a request. */
  lacksMemory(): void {
    if (this.lackedMemory) return;
    this.lackedMemory = true;
    const { name, file, settings, log } = this.source;
    log.warn({ plugin: name, pid: this.pid, memory: settings.own.memory }, `${file.base} has no memory for a request, and maybe for others`);
  }

  /** The system gives it so many threads at most. */
  threads(threads: number, wanted: number): void {
    if (threads >= this.fewestThreads) return;
    this.fewestThreads = threads;
    const { name, file, log } = this.source;
    const words = `${file.base} gets ${threads} threads of the ${wanted} that it wants: the system has no more for it`;
    log.warn({ plugin: name, pid: this.pid, threads }, words);
  }

  /** The plugin says that its end was not as it should be. */
  endedBadly(words: string): void {
    const { name, file, log } = this.source;
    log.error({ plugin: name, pid: this.pid }, `${file.base} was not stopped as it should be: ${words}`);
  }

  /** What came of it can't be, or could not be read. */
  unreadable(error: Error, isFault: boolean): void {
    const words = `${isFault ? 'the runner sent' : 'what the runner sent could not be read:'} ${messageOf(error)}`;
    this.source.log.error({ plugin: this.source.name, pid: this.pid }, words);
  }
}
