import { isMainThread } from 'node:worker_threads';
import { useKoffi } from './koffi/koffi';

const reasons: (() => boolean)[] = [];

/**
 * At its end a process waits for every thread of libuv's pool, and for the system's loader: one that hangs in a library would hold it
 * for ever.
 * @param hangs asked at the end of the process: whether that is so
 */
export function exitWithoutWaiting(hangs: () => boolean): void {
  if (!isMainThread || reasons.push(hangs) > 1) return;
  const { system } = useKoffi();
  let fatal: unknown;
  process.on('uncaughtExceptionMonitor', (error) => {
    if (process.listenerCount('uncaughtException') === 0) fatal = error;
  });
  process.on('exit', (code) => {
    if (!reasons.some((hang) => hang())) return;
    // Node would say so only after this.
    if (fatal !== undefined) console.error(fatal);
    system.exit(code);
  });
}
