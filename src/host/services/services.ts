import type { Logger } from '../../ground/log';
import type { Exchange } from '../../plugin/exchange';
import type { Answer, Services } from '../../plugin/services';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** What the host does for its plugins when they ask. */
export class HostServices implements Services {
  constructor(private readonly hostLog: Logger) {}

  ask(exchange: Exchange, service: string): Promise<Answer> {
    const message = `there is no service ${JSON.stringify(service)}`;
    return Promise.resolve({ isOk: false, json: JSON.stringify({ code: 'UNKNOWN_SERVICE', message }) });
  }

  log({ request, handler, id }: Exchange, level: number, text: string): void {
    const name = LEVELS[Math.min(Math.max(level, 0), LEVELS.length - 1)]!;
    this.hostLog[name]({ plugin: request.file, handler: handler.symbol, request: id }, text);
  }
}
