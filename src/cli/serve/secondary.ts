import type { Config } from '../../config/load';
import { messageOf } from '../../ground/errors';
import { createLateLog, type LateLog } from '../../ground/log';
import { keepTickShape } from '../../ground/tick-shape';
import { attachStatus, clearStatus, endWithParent, loadAhead } from '../../runtimes/registry';
import { readConfig } from '../config';
import { STATUS_FILE } from './ipc';
import { PrimaryLink } from './primary-link';
import { startServer } from './server';

/** A server process. Its primary compiles the sources and tells it when to stop. */
export async function runServerProcess(): Promise<void> {
  keepTickShape();
  const primary = new PrimaryLink();
  // A terminal sends SIGINT, and SIGHUP when it is closed, to every process; those of the primary count.
  process.on('SIGINT', () => undefined).on('SIGHUP', () => undefined);
  const orphaned = (): void => process.exit(1);
  process.on('disconnect', orphaned);
  try {
    endWithParent();
    // One that comes to its end by itself did not crash in what its threads are at.
    process.on('exit', clearStatus);
    const { stop, log, modes } = await serve(primary);
    let isStopping = false;
    const stopOnce = (): void => {
      if (isStopping) return;
      isStopping = true;
      void stop().finally(() => process.exit(0));
    };
    process.off('disconnect', orphaned);
    process.on('SIGTERM', stopOnce).on('disconnect', stopOnce);
    primary.tell({ type: 'listening' }, () => {
      loadAhead(modes);
      log.open();
    });
  } catch (error) {
    primary.tell({ type: 'fatal', message: messageOf(error) }, () => process.exit(1));
  }
}

/** @returns how it is stopped, its log, and the modes of its plugins */
async function serve(primary: PrimaryLink): Promise<{ stop: () => Promise<void>; log: LateLog; modes: Config['modes'] }> {
  const { flags, text, port, socket, isOnly, demoted } = await primary.start;
  attachStatus(STATUS_FILE);
  const config = await readConfig(flags, text);
  const log = createLateLog(config.log.level, isOnly ? {} : { worker: process.pid });
  const { stop } = await startServer({ ...config, http: { ...config.http, port } }, primary.builds, log, {
    socket,
    state: primary.state,
    onHost: (plugins) => primary.obey(plugins, demoted),
  });
  return { stop, log, modes: config.modes };
}
