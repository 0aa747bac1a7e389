import type { RequestHandler } from 'express';
import type { Endpoint } from './endpoint';

/**
 * The Express door to the endpoint.
 * @param endpoint undefined on a platform without it: every request is passed on
 */
export function createRouter(endpoint: Endpoint | undefined): RequestHandler {
  return (req, res, next) => {
    if (endpoint === undefined || !endpoint.handle(req, res, req.url)) next();
  };
}
