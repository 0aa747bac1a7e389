import { isatty } from 'node:tty';
import type { Logger } from '../ground/log';

type Stop = (signal: NodeJS.Signals) => Promise<void>;

/**
 * The first SIGTERM or SIGINT stops gracefully and ends the process, a second one ends it at once with 1.
 * @param stop must resolve; a handler that hangs may still hold a thread then, so the process is ended by force
 * @param exitCode of a graceful stop, unless process.exitCode says another
 * @returns the same for another signal, of which a second one does nothing
 */
export function onStopSignal(log: Logger, stop: Stop, exitCode = 0): (signal: NodeJS.Signals) => void {
  let isStopping = false;
  const stopOnce = (signal: NodeJS.Signals): void => {
    if (isStopping) return;
    isStopping = true;
    void stop(signal).finally(() => process.exit(process.exitCode ?? exitCode));
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      log.warn(`${signal} again: stopping at once`);
      process.exit(1);
    }
    stopOnce(signal);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  return stopOnce;
}

/**
 * The signals of a server: those that stop it, and SIGHUP, which says that its terminal was closed. Where it has none,
 * it asks daemons to reload.
 */
export function onServerSignals(log: Logger, { stop, reload }: { stop: Stop; reload: () => void }): void {
  const stopOnce = onStopSignal(log, stop);
  // Asked now: a terminal that was closed is none any more.
  process.on('SIGHUP', isatty(0) ? stopOnce : reload);
}
