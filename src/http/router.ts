import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Endpoint } from './endpoint';

/** Middleware as Express 4 and 5, Connect and their like take it. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * The Express door to the endpoint.
 * @param endpoint undefined on a platform without it: every request is passed on
 */
export function createRouter(endpoint: Endpoint | undefined): Middleware {
  return (req, res, next) => {
    if (endpoint === undefined || !endpoint.handle(req, res, req.url ?? '')) next();
  };
}
