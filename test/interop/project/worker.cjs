'use strict';

const assert = require('node:assert');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const { createPluginHost } = require('dlserve');

async function call() {
  const host = await createPluginHost({ pluginpath: './lib', plugins: { mode: 'process' }, plugin: { hi: { mode: 'thread' } } });
  await host.ready();
  const { status } = await host.call('hi', 'Hi');
  await host.close();
  return status;
}

if (isMainThread) {
  // One after the other: a library that lets in one call at a time has one owner.
  const inWorker = () => new Promise((resolve, reject) => new Worker(__filename).on('message', resolve).on('error', reject));
  Promise.resolve()
    .then(async () => assert.deepStrictEqual([await call(), await inWorker(), await inWorker(), await call()], [200, 200, 200, 200]))
    .then(() => console.log('ok'));
} else {
  void call().then((status) => parentPort.postMessage(status));
}
