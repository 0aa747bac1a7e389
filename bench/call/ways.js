/* Ways to call one handler without HTTP: dlserve's runtimes; host.call, as a program does; and what the program would do by hand. */
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { root, libraryOf } = require('../plugins');

/** @param {string} file what `npm install` compiles */
const needs = (file) => () => (fs.existsSync(path.join(root, 'build/Release', file)) ? undefined : `${file} is not built: npm rebuild`);
const needsNothing = () => undefined;
const byHand = () => require('./by-hand');

/**
 * `missing` says why it can't be had here. `call` calls the handler and then `settled`, with the length of the reply.
 * @typedef {{ call(settled: (length: number) => void): void, close(): unknown }} Opened
 * @typedef {{ label: string, tone?: 'reference', missing(folder: string): string | undefined, open(pluginpath: string, folder: string): Promise<Opened> }} Way
 */

/** @type {Record<string, Way>} */
const RUNTIMES = {
  inline: {
    label: 'inline',
    missing: needs('addon.node'),
    open: (pluginpath) => runtime(native().inlineRuntime(), pluginpath),
  },
  'inline-koffi': {
    label: 'inline, without the addon',
    tone: 'reference',
    missing: needsNothing,
    open: (pluginpath) => runtime(native().inlineRuntime({ addon: false }), pluginpath),
  },
  thread: {
    label: 'thread',
    missing: needs('addon.node'),
    open: (pluginpath) => runtime(native().threadRuntime(), pluginpath),
  },
  'thread-koffi': {
    label: 'thread, without the addon',
    tone: 'reference',
    missing: needsNothing,
    open: (pluginpath) => runtime(native().threadRuntime({ addon: false }), pluginpath),
  },
  process: {
    label: 'process',
    missing: needs('runner'),
    open: (pluginpath) => runtime(require('../../dist/runtimes/supervised/runner/runtime').processRuntime(), pluginpath),
  },
};

/** @type {Record<string, Way>} */
const PROGRAMS = {
  napi: {
    label: 'an N-API function, with the handler compiled in',
    tone: 'reference',
    missing: compileFunction,
    open: (_, folder) => byHand().napiFunction(functionIn(folder)),
  },
  'koffi-sync': {
    label: 'koffi by hand',
    tone: 'reference',
    missing: needsNothing,
    open: (pluginpath) => byHand().koffiSync(libraryOf(pluginpath, 'bench')),
  },
  'koffi-async': {
    label: 'koffi by hand, async',
    tone: 'reference',
    missing: needsNothing,
    open: (pluginpath) => byHand().koffiAsync(libraryOf(pluginpath, 'bench')),
  },
  worker: {
    label: 'koffi by hand in a worker_thread',
    tone: 'reference',
    missing: needsNothing,
    open: (pluginpath) => byHand().koffiWorker(libraryOf(pluginpath, 'bench')),
  },
  'host-inline': { label: 'host.call, mode inline', missing: needs('addon.node'), open: (pluginpath) => host('inline', pluginpath) },
  'host-thread': { label: 'host.call, mode thread', missing: needs('addon.node'), open: (pluginpath) => host('thread', pluginpath) },
  'host-process': { label: 'host.call, mode process', missing: needs('runner'), open: (pluginpath) => host('process', pluginpath) },
};

function native() {
  return require('../../dist/runtimes/native/runtime');
}

async function host(mode, pluginpath) {
  const { createPluginHost } = require('../..');
  const host = await createPluginHost({ pluginpath, plugins: { mode } });
  return {
    call: (settled) => void host.call('bench', 'Small').then(({ body }) => settled(body.length)),
    close: () => host.close(),
  };
}

/** What a browserless client sends: the text that most handlers get. */
const REQUEST = {
  file: 'bench',
  func: 'Small',
  method: 'GET',
  path: '/_PLUGIN/bench/Small',
  query: '',
  rawHeaders: ['Host', '127.0.0.1:3000', 'User-Agent', 'bench', 'Accept', '*/*'],
};

/** A runtime's instance, called with a text that is there already, and without a timer: neither is the runtime's. */
async function runtime(made, pluginpath) {
  const { examineLibrary } = require('../../dist/binary/file');
  const { configFromOptions } = require('../../dist/config/load');
  const { TimeLimits } = require('../../dist/plugin/deadline');
  const { Exchange } = require('../../dist/plugin/exchange');
  const library = libraryOf(pluginpath, 'bench');
  const { dev, ino } = fs.statSync(library);
  const file = { path: library, base: path.basename(library), identity: `${dev}:${ino}`, fingerprint: '' };
  const instance = await made.open({
    name: 'bench',
    file,
    handlers: await examineLibrary(file),
    settings: configFromOptions({ plugins: { mode: made.mode } }, [made]).settings('bench'),
    log: require('pino')({ level: 'silent' }),
    observer: { resting() {}, fault() {} },
  });
  const handler = instance.handlers.get('Small').get('GET');
  const allowed = { timeout: 30_000, queueTimeout: 30_000 };
  const { text } = new Exchange(REQUEST, handler, null, new TimeLimits(allowed, undefined), 'bench', null);
  class Call extends Exchange {
    constructor(settled) {
      super(REQUEST, handler, null, new TimeLimits(allowed, undefined), 'bench', null);
      this.settled = settled;
    }

    get text() {
      return text;
    }

    reply({ body }) {
      this.settled(body.length);
    }

    fail(error) {
      throw error;
    }
  }
  const call = (settled) => instance.call(new Call(settled));
  return { call, close: () => instance.close(1000) };
}

const functionIn = (folder) => path.join(folder, 'function.node');

/** Compiles the N-API function; Node's headers are beside the running node or where node-gyp keeps those that it has fetched. */
function compileFunction(folder) {
  const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
  const fetched = path.join(require('node:os').homedir(), '.cache/node-gyp', process.versions.node);
  const headers = [prefix, fetched].map((place) => path.join(place, 'include/node')).find((place) => fs.existsSync(path.join(place, 'node_api.h')));
  if (headers === undefined) return 'the headers of Node.js are not there';
  const sources = ['bench/native/function.c', 'bench/plugins/bench.c'].map((file) => path.join(root, file));
  const shared = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-fPIC'];
  const args = ['-O2', ...shared, `-I${headers}`, `-I${path.join(root, 'native/include')}`, '-o', functionIn(folder), ...sources];
  const { status, error, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

module.exports = { RUNTIMES, PROGRAMS };
