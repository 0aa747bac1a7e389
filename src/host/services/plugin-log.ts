import { cut, LimitedLog } from '../../ground/limited-log';
import type { Logger } from '../../ground/log';
import type { Exchange } from '../../plugin/exchange';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
/** Lines of a plugin that may come at once, and a second after that. */
const RATE = { burst: 200, perSecond: 100 };
/** Characters of a line. */
const LONGEST = 8192;

/** What plugins write to the host's log. */
export class PluginLog {
  readonly #log: LimitedLog;
  /** Lines that are not written where the log's level is above them: they take no place of those that are. */
  readonly #debug: LimitedLog;

  constructor(log: Logger) {
    this.#log = new LimitedLog(log, (plugin) => ({ plugin }), RATE);
    this.#debug = new LimitedLog(log, (plugin) => ({ plugin }), RATE);
  }

  /** @param level 0 to 3; whatever else a plugin gives counts as the nearest */
  write({ request, handler, id }: Exchange, level: number, text: string): void {
    const name = LEVELS[Math.min(Math.max(Math.trunc(level), 0), LEVELS.length - 1)] ?? 'info';
    const fields = (): object => ({ plugin: request.file, handler: handler.symbol, request: id });
    (name === 'debug' ? this.#debug : this.#log).write(name, request.file, fields, cut(text, LONGEST));
  }
}
