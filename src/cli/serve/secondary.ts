import { DlserveError, messageOf } from '../../ground/errors';
import { createLog } from '../../ground/log';
import type { Builds } from '../../host/builds';
import { attachStatus } from '../../runtimes/registry';
import { readConfig } from '../config';
import type { FlagValues } from '../flags';
import { SERVER_PORT, STATUS_FILE, type FromPrimary, type ToPrimary } from './ipc';
import { startServer } from './server';

/** One of several server processes on a port. Its primary compiles the sources and tells it when to stop. */
export async function runSecondary(flags: FlagValues): Promise<void> {
  // A terminal sends SIGINT, and SIGHUP when it is closed, to every process; those of the primary count.
  process.on('SIGINT', () => undefined).on('SIGHUP', () => undefined);
  try {
    attachStatus(STATUS_FILE);
    const config = await readConfig(flags);
    const log = createLog(config.log.level, { worker: process.pid });
    const http = { ...config.http, port: Number(process.env[SERVER_PORT]) };
    const { stop } = await startServer({ ...config, http }, askPrimary(), log);
    let isStopping = false;
    const stopOnce = (): void => {
      if (isStopping) return;
      isStopping = true;
      void stop().finally(() => process.exit(0));
    };
    process.on('SIGTERM', stopOnce).on('disconnect', stopOnce);
  } catch (error) {
    tell({ type: 'fatal', message: messageOf(error) }, () => process.exit(1));
  }
}

function tell(message: ToPrimary, sent: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, sent);
}

function askPrimary(): Builds {
  const waiting = new Map<string, { promise: Promise<void>; settle: (answer: FromPrimary) => void }>();
  process.on('message', (message: FromPrimary) => {
    const waiter = waiting.get(message.name);
    waiting.delete(message.name);
    waiter?.settle(message);
  });
  return {
    wait(name) {
      const known = waiting.get(name);
      if (known !== undefined) return known.promise;
      let settle: (answer: FromPrimary) => void = () => undefined;
      const promise = new Promise<void>((resolve, reject) => {
        settle = ({ failed }) => (failed === undefined ? resolve() : reject(new DlserveError('BUILD_FAILED', failed)));
      });
      waiting.set(name, { promise, settle });
      tell({ type: 'wait', name });
      return promise;
    },
    unfinished: () => new Map(),
    // The primary's own.
    rebuild: () => Promise.resolve([]),
    finished: Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}
