import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createServer } from 'node:http';
import { DlserveError, messageOf } from '../../ground/errors';
import type { Logger } from '../../ground/log';
import type { Config } from '../../config/load';
import type { Builds } from '../../host/builds';
import { createStatusFile, readStatus, type Running } from '../../runtimes/registry';
import { listen } from '../../http/server';
import { WORKER_PORT, type FromWorker, type ToWorker } from './ipc';
import { onStopSignal } from '../signals';
import { urlOf } from '../url';

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
 * @throws DlserveError BAD_CONFIG when the address can't be had, or with the words of a worker that can't start
 */
export async function start(config: Config, builds: Builds, log: Logger): Promise<string> {
  const { host, stoptimeout } = config.http;
  const port = await choosePort(host, config.http.port);
  const workers = new Set<Worker>();
  let stopping = false;
  let isUp = false;
  let short = 0;

  const fork = (): Worker => {
    const status = createStatusFile();
    const worker = forkWith(status, port);
    const born = performance.now();
    const about = { worker: worker.process.pid };
    workers.add(worker);
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'wait') void answerWait(worker, message.name, builds);
      else if (isUp) log.error(about, `a server process can't start: ${message.message}`);
    });
    // A message to one that has just died; or the system has no room for a process more, and there will be no exit.
    worker.on('error', (error) => {
      log.error({ ...about, err: error }, 'a server process can not be reached');
      if (worker.process.pid === undefined) ended(null, '', 'it did not start');
    });
    worker.on('exit', (code, signal) => ended(code, signal, signal || `exit status ${code}`));
    const ended = (code: number | null, signal: string, how: string): void => {
      if (!workers.delete(worker)) return;
      const running = readStatus(status);
      closeSync(status);
      // Before the server is up, its end is the start's error.
      if (stopping || !isUp) return;
      short = performance.now() - born < WELL ? short + 1 : 0;
      log.error({ ...about, code, signal, running }, `a server process died (${how})${suspects(running)}; replacing it in ${delay()} ms`);
      replaceSoon();
    };
    return worker;
  };

  const delay = (): number => (short < 2 ? 0 : Math.min(FIRST_DELAY * 2 ** (short - 2), LONGEST_DELAY));

  const forkOrRetry = (): void => {
    try {
      fork();
    } catch (error) {
      short++;
      log.error({ err: error }, `a server process can't be started; trying again in ${delay()} ms`);
      replaceSoon();
    }
  };

  const replaceSoon = (): void => {
    setTimeout(() => {
      if (!stopping) forkOrRetry();
    }, delay());
  };

  onStopSignal(log, async (signal) => {
    stopping = true;
    log.info(`${signal}: ${workers.size} server processes finish what runs, for up to ${stoptimeout} ms`);
    await Promise.all([builds.stop(), ...Array.from(workers, (worker) => stopWorker(worker, stoptimeout + GRACE, log))]);
    log.info('stopped');
  });

  const first = fork();
  await listening(first).catch((error: unknown) => {
    stopping = true;
    first.process.kill('SIGKILL');
    throw error;
  });
  isUp = true;
  for (let i = 1; i < config.http.workers; i++) forkOrRetry();
  return urlOf(host, port);
}

/** @param status descriptor of the worker's status file */
function forkWith(status: number, port: number): Worker {
  try {
    cluster.setupPrimary({ stdio: ['inherit', 'inherit', 'inherit', 'ipc', status] });
    return cluster.fork({ [WORKER_PORT]: String(port) });
  } catch (error) {
    closeSync(status);
    throw error;
  }
}

/** What ran in a process when it died, for its log line. */
function suspects(running: readonly Running[]): string {
  if (running.length === 0) return '';
  return `, in ${running.map(({ plugin, symbol }) => `${symbol} of ${plugin}`).join(', ')}: in mode "process" a crash costs one request`;
}

/** A free port is chosen once for all workers, so that those who come later listen on the same one. */
async function choosePort(host: string, wanted: number): Promise<number> {
  const probe = createServer();
  const port = await listen(probe, host, wanted);
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function listening(worker: Worker): Promise<void> {
  const failed = (reason: string): DlserveError => new DlserveError('BAD_CONFIG', { reason });
  return new Promise((resolve, reject) => {
    worker.once('listening', () => resolve());
    worker.once('exit', (code, signal) => reject(failed(`the first server process ended with ${signal || `exit status ${code}`}`)));
    worker.once('error', (error) => {
      if (worker.process.pid === undefined) reject(failed(`the first server process can't be started: ${messageOf(error)}`));
    });
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'fatal') reject(failed(message.message));
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

async function stopWorker(worker: Worker, limit: number, log: Logger): Promise<void> {
  if (worker.isDead()) return;
  const timer = setTimeout(() => {
    log.warn({ worker: worker.process.pid }, 'a server process did not stop in time and was killed');
    worker.process.kill('SIGKILL');
  }, limit);
  worker.process.kill('SIGTERM');
  await once(worker, 'exit');
  clearTimeout(timer);
}
