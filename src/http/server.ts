import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions as HttpOptions,
  type ServerResponse,
} from 'node:http';
import type { Express } from 'express';
import type { Logger } from '../ground/log';
import { holdBack } from './continue';
import type { Endpoint } from './endpoint';
import { answerUnreadable, malformation } from './malformed';
import type { Probes } from './probes';
import { serverOptionsFor } from './server-options';
import { writeError } from './write-error';

export interface ServerOptions {
  /** undefined on a platform without the endpoint. */
  readonly endpoint: Endpoint | undefined;
  /** Whether the endpoint is asked before Express. */
  readonly fastlane: boolean;
  /** Bytes; a client that asks first ("Expect: 100-continue") is told no before it sends more, unless its handler takes a body in parts. */
  readonly bodylimit: number;
  readonly log: Logger;
  /** Asked before anything else. */
  readonly probes: Probes;
}

/** The server that `dlserve serve` starts. */
export function createServer({ endpoint, fastlane, bodylimit, log, probes }: ServerOptions): Server {
  const front = fastlane && endpoint !== undefined ? fastLane(endpoint, log) : expressOnly(endpoint, log);
  const listener: RequestListener = (req, res) => {
    const error = malformation(req);
    if (error !== undefined) writeError(error, req, res, log);
    else if (!probes.handle(req, res)) front.listener(req, res);
  };
  const server = createHttpServer({ ...front.options, requireHostHeader: false }, listener);
  server.on('clientError', answerUnreadable);
  // By default node:http drops the headers after about the thousandth, and among them may be the body's length. The head
  // of a request is limited all the same, by --max-http-header-size.
  server.maxHeadersCount = 0;
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    if (Number(req.headers['content-length'] ?? 0) > bodylimit || malformation(req) !== undefined) holdBack(res);
    else res.writeContinue();
    listener(req, res);
  });
  return server;
}

interface Front {
  readonly options: HttpOptions;
  readonly listener: RequestListener;
}

function expressOnly(endpoint: Endpoint | undefined, log: Logger): Front {
  const app = loadApp(endpoint, log);
  return { options: serverOptionsFor(app), listener: app as RequestListener };
}

/**
 * The endpoint is asked first. Express is loaded for the first request that is not the endpoint's: loading it takes longer than
 * anything else of a start. Such requests are few, so the objects of all are node:http's own, not those of Express.
 */
function fastLane(endpoint: Endpoint, log: Logger): Front {
  let app: RequestListener | undefined;
  const listener: RequestListener = (req, res) => {
    if (endpoint.handle(req, res, req.url ?? '')) return;
    try {
      // Where it can't be loaded, for want of descriptors say, the next request tries again.
      app ??= loadApp(endpoint, log) as RequestListener;
      app(req, res);
    } catch (error) {
      writeError(error, req, res, log);
    }
  };
  return { options: {}, listener };
}

function loadApp(endpoint: Endpoint | undefined, log: Logger): Express {
  const { createApp } = require('./app') as typeof import('./app');
  return createApp(endpoint, log);
}
