'use strict';

require('reflect-metadata');
const assert = require('node:assert');
const { Controller, Get, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { createPluginHost } = require('dlserve');

class Own {
  own() {
    return { own: true };
  }
}
Get('own')(Own.prototype, 'own', Object.getOwnPropertyDescriptor(Own.prototype, 'own'));
Controller()(Own);

class App {}
Module({ controllers: [Own] })(App);

async function main() {
  const host = await createPluginHost({ pluginpath: './lib' });
  await host.ready();
  const app = await NestFactory.create(App, { logger: false });
  app.use(host.router());
  await app.listen(0);
  const url = await app.getUrl();
  const answer = await (await fetch(`${url}/_PLUGIN/hi/Hi`, { method: 'POST', body: '{"b":2}', headers: { 'content-type': 'application/json' } })).json();
  assert.strictEqual(answer.body, '{"b":2}');
  assert.deepStrictEqual(await (await fetch(`${url}/own`)).json(), { own: true });
  await app.close();
  await host.close();
}

main().then(() => console.log('ok'));
