import type { IncomingMessage, ServerResponse } from 'node:http';

/** What of a Fastify instance is needed, the same in its versions 4 and 5. */
export interface FastifyLike {
  /** Where it is mounted. */
  readonly prefix: string;
  route(options: never): unknown;
}

/** A plugin of Fastify, for `app.register`. */
export type FastifyPlugin = (app: FastifyLike, options: unknown, done: (error?: Error) => void) => void;

/** The methods that Fastify knows without being told. */
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'];

type Handle = (req: IncomingMessage, res: ServerResponse, url: string) => boolean;

interface Raw {
  readonly raw: IncomingMessage;
}

interface Hijackable {
  readonly raw: ServerResponse;
  hijack(): void;
}

/**
 * The Fastify door: a route that hands requests on before their body is read, behind the app's own hooks "onRequest".
 * @param handle of the host
 */
export function fastifyPlugin(handle: Handle): FastifyPlugin {
  return (app, _options, done) => {
    const route = {
      method: METHODS,
      url: '/_PLUGIN/:file/:func',
      exposeHeadRoute: false,
      onRequest: ({ raw }: Raw, reply: Hijackable, next: () => void): void => {
        if (handle(raw, reply.raw, (raw.url ?? '').slice(app.prefix.length))) reply.hijack();
        else next();
      },
      handler: (_request: unknown, reply: { callNotFound(): void }): void => reply.callNotFound(),
    };
    app.route(route as never);
    done();
  };
}
