/* What a program writes that calls a library by hand: a JSON text in, a string out that is given back. */
'use strict';

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const text = () => JSON.stringify({ method: 'GET', url_query: {} });

function load(library) {
  const koffi = require('koffi');
  const bench = koffi.load(library);
  const given = koffi.disposable('given', 'str', bench.func('void PluginFree(void *given)'));
  return bench.func('GETSmallHandler', given, ['str']);
}

async function napiFunction(addon) {
  const { small } = require(addon);
  return { call: (settled) => settled(small(text()).length), close() {} };
}

async function koffiSync(library) {
  const small = load(library);
  return { call: (settled) => settled(small(text()).length), close() {} };
}

async function koffiAsync(library) {
  // More in flight than it allows unless told.
  require('koffi').config({ max_async_calls: 2048 });
  const small = load(library);
  const call = (settled) =>
    small.async(text(), (error, reply) => {
      if (error) throw error;
      settled(reply.length);
    });
  return { call, close() {} };
}

/** Messages to a worker thread and back, in the order of the calls. */
async function koffiWorker(library) {
  const worker = new Worker(__filename, { workerData: library });
  const waiting = [];
  worker.on('message', (reply) => waiting.shift()(reply.length));
  const call = (settled) => {
    waiting.push(settled);
    worker.postMessage(text());
  };
  return { call, close: () => worker.terminate() };
}

if (!isMainThread) {
  const small = load(workerData);
  parentPort.on('message', (request) => parentPort.postMessage(small(request)));
}

module.exports = { napiFunction, koffiSync, koffiAsync, koffiWorker };
