import assert from 'node:assert';
import { createServer } from 'node:http';
import * as dlserve from 'dlserve';
import { createPluginHost } from 'dlserve';

assert.deepStrictEqual(Object.keys(dlserve).filter((name) => name !== 'default' && name !== '__esModule' && name !== 'module.exports').sort(), [
  'DlserveError', 'ERRORS', 'FactoryRegistry', 'Registry', 'createPluginHost', 'loadSo', 'registerRouteProviders', 'serverOptionsFor',
]);

const host = await createPluginHost({ pluginpath: './lib' });
await host.ready();
const server = createServer((req, res) => host.handle(req, res) || res.writeHead(404).end());
await new Promise((resolve) => server.listen(0, resolve));
const url = `http://127.0.0.1:${server.address().port}`;
assert.strictEqual((await (await fetch(`${url}/_PLUGIN/hi/Hi`, { method: 'POST', body: 'x' })).json()).body, 'x');
assert.strictEqual((await fetch(url)).status, 404);
server.closeAllConnections();
server.close();
await host.close();
console.log('ok');
