import { nearest } from '../../ground/nearest';
import type { Logger } from '../../ground/log';
import { surface } from '../../ground/surface';
import type { Exchange } from '../../plugin/exchange';
import type { PluginSettings } from '../../plugin/runtime';
import type { Answer, Service, Services } from '../../plugin/services';
import { answerOf, AskError, errorOf } from './ask-error';
import { Asking, MOST_BYTES } from './asking';
import { CallService, type Plugins } from './call';
import { Offered } from './offered';
import { PluginLog } from './plugin-log';
import { readOperation } from './state/operation';
import type { State } from './state/state';

/** What the services stand on. */
export interface ServiceParts {
  readonly plugins: Plugins;
  readonly settings: (name: string) => PluginSettings;
  readonly state: State;
  /** Those of the program's, by their names. */
  readonly services?: Readonly<Record<string, Service>> | undefined;
  readonly log: Logger;
}

/** Answers with JSON. @throws what becomes an error of the asker's */
type Answerer = (params: unknown, asking: Asking) => Promise<string>;

/** What the host does for its plugins when they ask. */
export class HostServices implements Services {
  readonly #answerers = new Map<string, Answerer>();
  readonly #log: PluginLog;

  constructor({ plugins, settings, state, services = {}, log }: ServiceParts) {
    const call = new CallService(plugins);
    this.#log = new PluginLog(log);
    this.#answerers.set('call', (params, asking) => call.ask(params, asking));
    this.#answerers.set('config', (_params, { exchange }) => Promise.resolve(JSON.stringify(settings(exchange.request.file).config)));
    this.#answerers.set('state', async (params, { exchange }) => {
      const answer = await state.apply(exchange.request.file, readOperation(params));
      if (!answer.isOk) throw errorOf(answer);
      return answer.json;
    });
    for (const [name, service] of Object.entries(services)) {
      const offered = new Offered(name, service, log);
      this.#answerers.set(name, (params, asking) => offered.ask(params, asking));
    }
  }

  async ask(exchange: Exchange, service: string, params: string): Promise<Answer> {
    try {
      const answerer = this.#answerers.get(service);
      if (answerer === undefined) throw AskError.of('UNKNOWN_SERVICE', { service: JSON.stringify(service.slice(0, 100)), hint: this.#hint(service) });
      const given = parse(service, params);
      const asking = new Asking(exchange);
      const json = await asking.during(() => answerer(given, asking));
      if (isTooLarge(json)) throw AskError.of('TOO_LARGE', { what: `the answer of ${service}`, limit: MOST_BYTES });
      return { isOk: true, json };
    } catch (error) {
      return answerOf(error);
    }
  }

  #hint(service: string): string {
    const meant = nearest(service.slice(0, 100), this.#answerers.keys());
    return meant === undefined ? '' : `: did you mean ${meant}?`;
  }

  log(exchange: Exchange, level: number, text: string): void {
    try {
      this.#log.write(exchange, level, text);
    } catch (error) {
      surface(error);
    }
  }
}

function parse(service: string, params: string): unknown {
  if (isTooLarge(params)) throw AskError.of('TOO_LARGE', { what: `params of ${service}`, limit: MOST_BYTES });
  try {
    return JSON.parse(params) as unknown;
  } catch {
    throw AskError.of('BAD_PARAMS', { service, reason: 'params must be JSON' });
  }
}

function isTooLarge(json: string): boolean {
  return json.length > MOST_BYTES || (3 * json.length > MOST_BYTES && Buffer.byteLength(json) > MOST_BYTES);
}
