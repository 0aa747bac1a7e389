'use strict';

/* What a program of a test begins with: the in-process runtimes as built, and a way to open and call. */

const { statSync } = require('node:fs');
const path = require('node:path');
const pino = require('pino');
const { Deadline, TimeLimits } = require('../../dist/plugin/deadline');
const { Exchange } = require('../../dist/plugin/exchange');
const { Handlers } = require('../../dist/plugin/handlers');
const { inlineRuntime, threadRuntime } = require('../../dist/runtimes/native/runtime');

const REQUEST = { file: 'plugin', func: 'Func', method: 'GET', path: '/', query: '', rawHeaders: [] };
const LIMITS = { timeout: 30000, queueTimeout: 30000 };
/** Takes the first part of a reply, and no more. */
const NOBODY = { reply() {}, fail() {}, begin() {}, write: () => false, end() {}, dropped() {} };
/** Leaves every question without an answer. */
const SERVICES = { ask: () => new Promise(() => undefined), log() {} };

/** Opens a library as a host does. */
function open(runtime, library, symbols, config = {}, settings = {}) {
  const handlers = new Handlers();
  for (const symbol of symbols) handlers.add('GET', symbol, symbol);
  const { dev, ino } = statSync(library);
  const file = { path: library, base: path.basename(library), identity: `${dev}:${ino}`, fingerprint: '' };
  return runtime.open({
    name: 'plugin',
    file,
    handlers,
    settings: { mode: runtime.mode, ...LIMITS, queue: 1024, config, own: { ownsymbols: true }, ...settings },
    log: pino({ level: 'silent' }),
    services: SERVICES,
    observer: { resting() {}, fault() {} },
  });
}

/** A call that tells a callback how it was settled. */
class Call extends Exchange {
  constructor(settle, index, own) {
    super(REQUEST, { index, symbol: 'symbol' }, null, new TimeLimits(LIMITS, own === undefined ? undefined : Deadline.after(own)), 'id', NOBODY);
    this.settle = settle;
  }

  get text() {
    return '{"body":null}';
  }

  reply(raw) {
    this.settle(null, raw);
  }

  fail(error) {
    this.settle(error, null);
  }
}

const makeCall = (settle, index = 0, own = undefined) => new Call(settle, index, own);

const call = (plugin, index) =>
  new Promise((resolve, reject) => plugin.call(makeCall((error, reply) => (error ? reject(error) : resolve(reply)), index)));

module.exports = { threadRuntime, inlineRuntime, open, makeCall, call };
