import type { IncomingMessage, ServerResponse } from 'node:http';
import { DlserveError } from '../ground/errors';
import type { Logger } from '../ground/log';
import type { Readiness } from '../host/readiness';
import { originForm } from './target';
import { writeError } from './write-error';

const HEALTH = '/_health';
const READY = '/_ready';

/** What the methods are that both paths answer. */
const ALLOW = 'GET, HEAD';

/** For whoever watches a server: `/_health`, whether it lives, and `/_ready`, whether requests should be sent to it. */
export class Probes {
  #isStopping = false;

  constructor(
    private readonly readiness: () => Readiness,
    private readonly log: Logger,
  ) {}

  /** No further requests should come. */
  stopping(): void {
    this.#isStopping = true;
  }

  /**
   * Answers the request if it is for one of the two.
   * @returns false when it is not; it is then untouched
   */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const path = pathOf(req.url ?? '');
    if (path !== HEALTH && path !== READY) return false;
    const { method = '' } = req;
    if (method !== 'GET' && method !== 'HEAD') {
      writeError(new DlserveError('METHOD_NOT_ALLOWED', { path, method, allow: ALLOW }, { headers: { Allow: ALLOW } }), req, res, this.log);
    } else if (path === HEALTH) {
      write(res, 200, { status: 'ok' });
    } else {
      this.#writeReadiness(res);
    }
    return true;
  }

  #writeReadiness(res: ServerResponse): void {
    const { ready, plugins } = this.readiness();
    if (this.#isStopping) {
      write(res, 503, { status: 'stopping' });
    } else if (ready) {
      write(res, 200, { status: 'ready' });
    } else {
      const missing = plugins.filter((plugin) => !plugin.ready);
      write(res, 503, { status: 'not ready', plugins: missing.map(({ name, state, error }) => ({ name, state, ...(error && { error: error.message }) })) });
    }
  }
}

/** Cheap for all requests that are for something else. */
function pathOf(url: string): string {
  if (url.startsWith('/') && !url.startsWith('/_h') && !url.startsWith('/_r')) return '';
  const target = originForm(url);
  const mark = target.indexOf('?');
  return mark === -1 ? target : target.slice(0, mark);
}

/** To HEAD, node:http sends the head alone. */
function write(res: ServerResponse, status: number, content: object): void {
  const body = JSON.stringify(content);
  res.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body), 'Cache-Control': 'no-store' });
  res.end(body);
}
