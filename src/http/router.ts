import { Router } from 'express';
import type { Endpoint } from './endpoint';

/** The Express door to the endpoint, for a person's own app. */
export function createRouter(endpoint: Endpoint): Router {
  const router = Router();
  router.use((req, res, next) => {
    if (!endpoint.handle(req, res, req.url)) next();
  });
  return router;
}
