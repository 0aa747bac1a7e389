'use strict';

const { createHistogram } = require('node:perf_hooks');

/**
 * @typedef {object} Unusual a request that was not answered 200 with the right bytes
 * @property {number} n
 * @property {string} plugin
 * @property {string | null} way
 * @property {string} outcome as from judge()
 * @property {number} sent milliseconds since 1970
 * @property {number} answered
 */

/** What the clients saw. Requests are numbered from 1, over all plugins. */
class Ledger {
  /** @param {readonly import('./plugins').Plugin[]} plugins */
  constructor(plugins) {
    this.sent = 0;
    /** Of each request: 1 when it was answered rightly. */
    this.right = Buffer.alloc(1 << 16);
    /** @type {Unusual[]} */
    this.unusual = [];
    /** By plugin: requests, those answered rightly, and how long each innocent one took in microseconds. */
    this.plugins = new Map(plugins.map(({ name }) => [name, { sent: 0, right: 0, took: createHistogram() }]));
  }

  /** @returns {number} the number of a new request */
  begin(plugin) {
    this.plugins.get(plugin).sent++;
    const n = ++this.sent;
    if (n >= this.right.length) this.right = Buffer.concat([this.right, Buffer.alloc(this.right.length)]);
    return n;
  }

  /**
   * @param {import('./requests').Request} request
   * @param {string} plugin
   * @param {string} outcome as from judge()
   * @param {number} sent
   * @param {number} answered
   */
  end({ n, way }, plugin, outcome, sent, answered) {
    const account = this.plugins.get(plugin);
    if (way === null) account.took.record(Math.max(1, Math.round((answered - sent) * 1000)));
    if (outcome === 'right') {
      account.right++;
      this.right[n]++;
    } else {
      this.unusual.push({ n, plugin, way, outcome, sent, answered });
    }
  }
}

module.exports = { Ledger };
