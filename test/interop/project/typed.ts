import assert from 'node:assert';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import {
  createPluginHost, FactoryRegistry, loadSo, Registry, registerRouteProviders, serverOptionsFor, type BuildEvent, type CallReply, type DlserveError,
  type Factory, type Fault, type Logger, type Plugin, type PluginHost, type PluginInfo, type Readiness, type State,
} from 'dlserve';

/** What must compile. */
async function used(host: PluginHost): Promise<void> {
  createServer((req, res) => {
    if (!host.handle(req, res)) res.writeHead(404).end();
  });
  createSecureServer({}, (req, res) => {
    if (!host.handle(req, res, '/below')) res.writeHead(404).end();
  });
  const reply: CallReply = await host.call('hi', 'Hi', { method: 'GET', query: 'a=1', headers: { a: ['b'] }, body: new Uint8Array(1), timeout: 1, signal: AbortSignal.timeout(1) });
  const text: string = reply.body.toString('utf8');
  const plugins: PluginInfo[] = await host.plugins();
  const state: State | undefined = plugins[0]?.state;
  const fault: Fault | undefined = plugins[0]?.faults[0];
  host.on('state', ({ plugin, state, error }) => [plugin.length, state === 'ready', error?.code === 'LOAD_FAILED']);
  host.on('fault', ({ plugin, fault }) => [plugin, fault.kind === 'crash', fault.calls[0]?.handler]);
  host.once('built', (event: BuildEvent) => event.state === 'built');
  const middleware: (req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse, next: () => void) => void = host.router();
  serverOptionsFor({ request: {}, response: {} });
  host.on('reloaded', ({ plugin, generation, ms }) => [plugin, generation > 1, ms > 0]);
  const generation: number = (await host.reload('hi')) + (await host.rollback('hi'));
  await host.reloadChanged();
  const readiness: Readiness = host.readiness();
  await host.start();
  await host.ready();
  await host.close(10);
  void [generation, readiness];
  void [text, state, fault, middleware];
}

/** Plugins of the program's own. */
async function registered(): Promise<void> {
  const steps: string[] = [];
  const db: Plugin = { name: () => 'db', start: () => void steps.push('start'), stop: () => void steps.push('stop'), routes: () => [] };
  const factory: Factory = loadSo('./lib/hi.so', { mode: 'process' });
  const factories = new FactoryRegistry();
  factories.register('db', () => db);
  factories.register('hi', factory);
  const registry = new Registry();
  registry.register(factories.create('db'));
  assert.strictEqual(registry.discoverFromValues(factories.create('hi'), 42), 1);
  assert.deepStrictEqual(registry.names(), ['db', 'hi']);
  assert.deepStrictEqual(await registry.startAll(), []);
  assert.ok(registerRouteProviders(registry, { add: (method, path, handler) => void [method, path, handler] }) > 0);
  assert.deepStrictEqual(await registry.stopAll(), []);
  assert.deepStrictEqual(steps, ['start', 'stop']);
}

/** What must not. */
async function misused(host: PluginHost): Promise<void> {
  // @ts-expect-error -- a mode that is none
  await createPluginHost({ plugins: { mode: 'threads' } });
  // @ts-expect-error -- durations have units
  await createPluginHost({ plugins: { timeout: 30 } });
  // @ts-expect-error -- the port is that of a server of one's own
  await createPluginHost({ http: { port: 3000 } });
  // @ts-expect-error -- no such option
  await host.call('hi', 'Hi', { methd: 'GET' });
  // @ts-expect-error -- milliseconds are a number
  await host.call('hi', 'Hi', { timeout: '1s' });
  // @ts-expect-error -- no such event
  host.on('stat', () => undefined);
}

async function main(): Promise<void> {
  const lines: string[] = [];
  const write = (fields: object | string, message?: string): number => lines.push(message ?? String(fields));
  const log: Logger = { debug: write, info: write, warn: write, error: write };
  await using host = await createPluginHost({ pluginpath: './lib', plugin: { hi: { mode: 'inline' } } }, log);
  await host.ready();
  assert.strictEqual((await host.call('hi', 'Hi')).status, 200);
  const error: DlserveError = await host.call('nope', 'Hi').then(() => assert.fail(), (reason: unknown) => reason as DlserveError);
  assert.strictEqual(error.code, 'LIBRARY_NOT_FOUND');
  assert.ok(lines.includes('plugin opened'));
  assert.strictEqual(await host.reload('hi'), 2);
  assert.ok(host.readiness().ready);
  await registered();
}

void [used, misused];
void main().then(() => console.log('ok'));
