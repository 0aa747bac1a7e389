import type { Logger } from '../ground/log';

/**
 * The first SIGTERM or SIGINT stops gracefully and ends the process, a second one ends it at once with 1.
 * @param stop must resolve; a handler that hangs may still hold a thread then, so the process is ended by force
 * @param exitCode of a graceful stop
 */
export function onStopSignal(log: Logger, stop: (signal: NodeJS.Signals) => Promise<void>, exitCode = 0): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) {
      log.warn(`${signal} again: stopping at once`);
      process.exit(1);
    }
    stopping = true;
    void stop(signal).finally(() => process.exit(exitCode));
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
}
