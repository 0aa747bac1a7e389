import assert from 'node:assert';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import {
  createPluginHost, serverOptionsFor, type BuildEvent, type CallReply, type DlserveError, type Fault, type Logger, type PluginHost, type PluginInfo, type State,
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
  await host.ready();
  await host.close(10);
  void [text, state, fault, middleware];
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
}

void [used, misused];
void main().then(() => console.log('ok'));
