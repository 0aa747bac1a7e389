import { Router } from 'express';
import type { Endpoint } from './endpoint';

/**
 * The Express door to the endpoint.
 * @param endpoint undefined on a platform without it: the router then passes every request on
 */
export function createRouter(endpoint: Endpoint | undefined): Router {
  const router = Router();
  router.use((req, res, next) => {
    if (endpoint === undefined || !endpoint.handle(req, res, req.url)) next();
  });
  return router;
}
