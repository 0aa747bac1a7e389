import { DlserveError } from '../../ground/errors';
import type { PluginSource } from '../../plugin/runtime';

/** Milliseconds until a process that the system could not start is tried again. */
export const SPAWN_RETRY = 200;

/** The system has no process for a plugin, or no descriptors for its sockets: that is no crash, and passes. */
export class Shortage {
  /** Of calls meanwhile; null where there is no shortage. */
  error: DlserveError | null = null;

  constructor(private readonly source: PluginSource) {}

  errorOf(reason: string, cause: unknown): DlserveError {
    return new DlserveError('UNAVAILABLE', { plugin: this.source.name, reason }, { cause, headers: { 'Retry-After': '1' } });
  }

  begin(error: DlserveError): void {
    const { name, log } = this.source;
    if (this.error === null) log.error({ plugin: name, retry: SPAWN_RETRY }, error.message);
    this.error = error;
  }

  end(): void {
    this.error = null;
  }
}
