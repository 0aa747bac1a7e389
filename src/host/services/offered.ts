import { DlserveError, messageOf } from '../../ground/errors';
import type { Logger } from '../../ground/log';
import { describe } from '../../ground/value-types';
import type { Service, ServiceContext } from '../../plugin/services';
import { AskError } from './ask-error';
import type { Asking } from './asking';

/** The names of dlserve's own. */
const BUILT_IN = ['call', 'config', 'log', 'state'];
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/**
 * Checks the services that a program offers its plugins.
 * @throws DlserveError BAD_CONFIG
 */
export function checkServices(services: unknown): void {
  const refuse = (reason: string): never => {
    throw new DlserveError('BAD_CONFIG', { reason: `options.services: ${reason}` });
  };
  if (services === undefined) return;
  if (typeof services !== 'object' || services === null) refuse(`an object of functions is wanted, not ${describe(services)}`);
  for (const [name, service] of Object.entries(services as Record<string, unknown>)) {
    if (BUILT_IN.includes(name)) refuse(`"${name}" is a service of dlserve's own: choose another name`);
    if (!NAME.test(name)) refuse(`${JSON.stringify(name)} can't be a name: letters, digits, "_", "-" and "." are allowed, up to 100, and the first is a letter, a digit or "_"`);
    if (typeof service !== 'function') refuse(`${name} must be a function, not ${describe(service)}`);
  }
}

/** One service that the program offers. */
export class Offered {
  constructor(
    private readonly name: string,
    private readonly service: Service,
    private readonly log: Logger,
  ) {}

  /** @throws AskError with the code of what the service throws, or SERVICE_FAILED */
  async ask(params: unknown, asking: Asking): Promise<string> {
    const context = contextOf(asking);
    try {
      const value = await this.service(params, context);
      // Also a function is nothing that JSON can say.
      return JSON.stringify([value]).slice(1, -1);
    } catch (error) {
      const { plugin, handler, requestId: request } = context;
      const level = asking.signal.aborted ? 'debug' : 'error';
      this.log[level]({ plugin, handler, request, service: this.name, err: error }, `the service ${this.name} failed: ${messageOf(error)}`);
      const { code } = (error ?? {}) as { code?: unknown };
      throw typeof code === 'string' ? new AskError(code, messageOf(error)) : AskError.of('SERVICE_FAILED', { service: this.name, reason: messageOf(error) });
    }
  }
}

function contextOf({ exchange, signal, endsAt }: Asking): ServiceContext {
  const { request, handler, id } = exchange;
  const deadline = endsAt === Infinity ? Infinity : Math.round(performance.timeOrigin + endsAt);
  return { plugin: request.file, handler: handler.symbol, requestId: id, signal, deadline };
}
