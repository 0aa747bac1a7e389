import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import type { Config } from '../config/load';
import type { Builds } from '../host/builds';
import type { FromWorker, ToWorker } from './ipc';
import { onStopSignal } from './signals';
import { urlOf } from './url';

/** A worker that lived this long, in milliseconds, was well: its successor starts at once. */
const WELL = 5_000;
/** Milliseconds before the second successor in a row; doubled for each further one. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 10_000;
/** Milliseconds that a worker gets on top of its own limit before it is killed. */
const GRACE = 2_000;

/**
 * `http.workers` server processes on one port: starts them, answers what they ask, and replaces one that dies.
 * @returns where they listen, once the first one does
 * @throws DlserveError BAD_CONFIG with the words of a worker that can't start
 */
export async function start(config: Config, builds: Builds, log: Logger): Promise<string> {
  const workers = new Set<Worker>();
  let stopping = false;
  let short = 0;

  const fork = (): Worker => {
    const worker = cluster.fork();
    const born = performance.now();
    workers.add(worker);
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'wait') void answerWait(worker, message.name, builds);
    });
    worker.on('exit', (code, signal) => {
      workers.delete(worker);
      if (stopping) return;
      short = performance.now() - born < WELL ? short + 1 : 0;
      const delay = short < 2 ? 0 : Math.min(FIRST_DELAY * 2 ** (short - 2), LONGEST_DELAY);
      log.error({ worker: worker.process.pid, code, signal }, `a server process died (${signal || `exit status ${code}`}); replacing it in ${delay} ms`);
      setTimeout(() => {
        if (!stopping) fork();
      }, delay);
    });
    return worker;
  };

  onStopSignal(log, async (signal) => {
    stopping = true;
    log.info(`${signal}: ${workers.size} server processes finish what runs, for up to ${config.http.stoptimeout} ms`);
    await Promise.all([builds.stop(), ...Array.from(workers, (worker) => stopWorker(worker, config, log))]);
    log.info('stopped');
  });

  const first = fork();
  const port = await firstPort(first).catch((error: unknown) => {
    stopping = true;
    first.process.kill('SIGKILL');
    throw error;
  });
  for (let i = 1; i < config.http.workers; i++) fork();
  return urlOf(config.http.host, port);
}

function firstPort(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('listening', ({ port }) => resolve(port));
    worker.once('exit', (code, signal) => reject(new DlserveError('BAD_CONFIG', { reason: `the first server process ended (${signal || code})` })));
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'fatal') reject(new DlserveError('BAD_CONFIG', { reason: message.message }));
    });
  });
}

async function answerWait(worker: Worker, name: string, builds: Builds): Promise<void> {
  let answer: ToWorker = { type: 'built', name };
  try {
    await builds.wait(name);
  } catch (error) {
    if (error instanceof DlserveError) answer = { type: 'built', name, failed: error.details };
  }
  if (worker.isConnected()) worker.send(answer);
}

async function stopWorker(worker: Worker, { http: { stoptimeout } }: Config, log: Logger): Promise<void> {
  if (worker.isDead()) return;
  const timer = setTimeout(() => {
    log.warn({ worker: worker.process.pid }, 'a server process did not stop in time and was killed');
    worker.process.kill('SIGKILL');
  }, stoptimeout + GRACE);
  worker.process.kill('SIGTERM');
  await once(worker, 'exit');
  clearTimeout(timer);
}
