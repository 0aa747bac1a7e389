import { IncomingMessage, ServerResponse, type ServerOptions } from 'node:http';

/** What of an Express app is needed here. */
export interface AppPrototypes {
  /** What each request of the app inherits from. */
  request: object;
  /** What each response of the app inherits from. */
  response: object;
}

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
export function serverOptionsFor(app: AppPrototypes): Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'> {
  class Request extends IncomingMessage {}
  class Response<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {}
  Object.setPrototypeOf(Request.prototype, app.request);
  Object.setPrototypeOf(Response.prototype, app.response);
  app.request = Request.prototype;
  app.response = Response.prototype;
  return { IncomingMessage: Request, ServerResponse: Response };
}
