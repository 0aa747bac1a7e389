'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { createPluginHost, serverOptionsFor } = require('dlserve');

async function main(name) {
  const express = require(name);
  const host = await createPluginHost({ pluginpath: './lib' });
  await host.ready();
  const app = express();
  app.use('/api', host.router());
  app.use(express.json());
  app.get('/own', (req, res) => res.json({ own: true }));
  app.use((req, res) => res.status(404).send('not here'));
  const server = http.createServer(serverOptionsFor(app), app);
  await new Promise((resolve) => server.listen(0, resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const answer = await (await fetch(`${url}/api/_PLUGIN/hi/Hi?a=1`, { method: 'POST', body: '{"b":2}', headers: { 'content-type': 'application/json' } })).json();
  assert.deepStrictEqual([answer.path, answer.url_query, answer.body], ['/api/_PLUGIN/hi/Hi', { a: ['1'] }, '{"b":2}']);
  assert.deepStrictEqual(await (await fetch(`${url}/own`)).json(), { own: true });
  assert.strictEqual(await (await fetch(`${url}/_PLUGIN/hi/Hi`)).text(), 'not here');
  server.closeAllConnections();
  server.close();
  await host.close();
}

main(process.argv[2]).then(() => console.log('ok'));
