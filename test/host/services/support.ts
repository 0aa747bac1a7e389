import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { HostOptions } from '../../../src';
import { configFromOptions } from '../../../src/config/load';
import { NO_BUILDS } from '../../../src/host/builds';
import { Host } from '../../../src/host/host';
import { HostServices } from '../../../src/host/services/services';
import { lateState } from '../../../src/host/services/state/late-state';
import { TimeLimits } from '../../../src/plugin/deadline';
import { Exchange } from '../../../src/plugin/exchange';
import { RUNTIMES } from '../../../src/runtimes/registry';
import { compileFixture } from '../../support/compile';
import { recordedLog } from '../../support/log';
import { handlersNamed, testRequest } from '../../support/runtime';
import { scratch } from '../../support/server';

/** A host and its services, as plugins have them. */
export interface Served {
  readonly host: Host;
  readonly services: HostServices;
  readonly lines: Record<string, unknown>[];
  /** Asks as a handler of that plugin: the answer, or the error. */
  ask(service: string, params: unknown, by?: Exchange): Promise<unknown>;
}

/** A call whose handler asks. */
export function asker(plugin = 'asker', { timeout = 30_000, id = 'request-1' } = {}): Exchange {
  const handler = handlersNamed(['GETAskHandler']).get('Ask')!.get('GET')!;
  const recipient = { reply: () => undefined, fail: () => undefined, begin: () => undefined, write: () => true, end: () => undefined, dropped: () => undefined };
  return new Exchange({ ...testRequest(), file: plugin }, handler, null, new TimeLimits({ timeout, queueTimeout: timeout }, undefined), id, recipient);
}

/** The end of a call that asked. */
export function finish(exchange: Exchange): void {
  exchange.reply({ status: -1, body: '', headers: null });
}

/** @param fixtures files of test/fixtures/native */
export function serve(fixtures: readonly string[] = [], options: HostOptions = {}): Served {
  const pluginpath = path.join(scratch(), 'lib');
  mkdirSync(pluginpath);
  for (const fixture of fixtures) cpSync(compileFixture(fixture), path.join(pluginpath, `${path.parse(fixture).name}.so`));
  const config = configFromOptions({ pluginpath, ...options }, RUNTIMES);
  const { log, lines } = recordedLog();
  const settings = (name: string): ReturnType<typeof config.settings> => config.settings(name);
  const parts = { pluginpath, settings, isolated: settings, builds: NO_BUILDS, log, state: lateState(config.state), services: options.services };
  const host = new Host(parts);
  const services = new HostServices({ ...parts, plugins: host });
  return {
    host,
    services,
    lines,
    async ask(service, params, by = asker()) {
      const { isOk, json } = await services.ask(by, service, JSON.stringify(params));
      const value = JSON.parse(json) as Record<string, unknown>;
      return isOk ? value : { error: value.code, message: value.message };
    },
  };
}
