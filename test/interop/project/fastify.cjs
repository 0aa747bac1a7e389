'use strict';

const assert = require('node:assert');
const { createPluginHost } = require('dlserve');

async function main(name) {
  const host = await createPluginHost({ pluginpath: './lib' });
  await host.ready();
  const app = require(name)();
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers.authorization === 'no') await reply.code(401).send({ denied: true });
  });
  app.addHook('onClose', () => host.close());
  app.register(host.fastify());
  app.register(host.fastify(), { prefix: '/api' });
  app.get('/own', async () => ({ own: true }));
  const url = await app.listen({ port: 0 });
  const ask = async (path, init) => (await fetch(url + path, init)).json();
  const posted = await ask('/_PLUGIN/hi/Hi?a=1', { method: 'POST', body: '{"b":2}', headers: { 'content-type': 'application/json' } });
  assert.deepStrictEqual([posted.url_query, posted.body], [{ a: ['1'] }, '{"b":2}']);
  assert.strictEqual((await ask('/api/_PLUGIN/hi/Hi')).path, '/api/_PLUGIN/hi/Hi');
  assert.strictEqual((await fetch(`${url}/_PLUGIN/hi/Hi`, { method: 'HEAD' })).status, 200);
  assert.strictEqual((await ask('/_PLUGIN/nope/Hi')).code, 'LIBRARY_NOT_FOUND');
  assert.deepStrictEqual(await ask('/_PLUGIN/hi/Hi', { headers: { authorization: 'no' } }), { denied: true });
  assert.deepStrictEqual(await ask('/own'), { own: true });
  await app.close();
  await assert.rejects(host.call('hi', 'Hi'), { code: 'STOPPING' });
}

main(process.argv[2]).then(() => console.log('ok'));
