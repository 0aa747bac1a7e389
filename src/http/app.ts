import express, { type ErrorRequestHandler, type Express } from 'express';
import { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import type { Endpoint } from './endpoint';
import { createRouter } from './router';
import { writeError } from './write-error';

/**
 * The server as an Express app: the endpoint, and JSON for everything else.
 * @param endpoint undefined on a platform without it
 */
export function createApp(endpoint: Endpoint | undefined, log: Logger): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(createRouter(endpoint));
  app.use((req, res) => writeError(new DlserveError('ROUTE_NOT_FOUND'), req, res, log));
  const onError: ErrorRequestHandler = (error: unknown, req, res, _next) => writeError(error, req, res, log);
  app.use(onError);
  return app;
}
