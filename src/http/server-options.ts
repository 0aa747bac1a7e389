import { IncomingMessage, ServerResponse, type ServerOptions } from 'node:http';
import type { Express } from 'express';

/**
 * Options of http.createServer that make an Express app several times faster:
 *
 *     http.createServer(serverOptionsFor(app), app).listen(3000);
 *
 * Express gives each request and response the prototypes of its app (Object.setPrototypeOf in app.handle). For V8 such an
 * object is a stranger from then on, and that is most of what Express costs. Objects that are born with these prototypes
 * are left as they are.
 * @param app its prototypes `request` and `response` are replaced by ones that inherit from them
 */
export function serverOptionsFor(app: Express): Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'> {
  class Request extends IncomingMessage {}
  class Response<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {}
  Object.setPrototypeOf(Request.prototype, app.request);
  Object.setPrototypeOf(Response.prototype, app.response);
  app.request = Request.prototype as Express['request'];
  app.response = Response.prototype as Express['response'];
  return { IncomingMessage: Request, ServerResponse: Response };
}
