/* The clients. */
'use strict';

const { Agent, request: send } = require('node:http');
const { judge } = require('./requests');

/** Milliseconds since 1970, finer than Date.now(). */
const now = () => performance.timeOrigin + performance.now();

/**
 * Sends requests, one after the other on each connection, until the time is over.
 * @param {string} url
 * @param {number} connections dealt out to the plugins in turn, so that a plugin in trouble keeps only its own
 * @param {number} seconds
 * @param {readonly import('./plugins').Plugin[]} plugins
 * @param {import('./requests').Requests} requests
 * @param {import('./ledger').Ledger} ledger
 */
async function load(url, connections, seconds, plugins, requests, ledger) {
  const end = now() + seconds * 1000;
  const client = async (plugin) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let isServed = true;
    while (isServed && now() < end) {
      const request = requests.make(ledger.begin(plugin.name), plugin);
      const sent = now();
      const outcome = await ask(url, request, agent).then(
        (answer) => judge(request, answer),
        (error) => {
          isServed = false;
          return `no answer: ${error.message}`;
        },
      );
      ledger.end(request, plugin.name, outcome, sent, now());
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: connections }, (_, i) => client(plugins[i % plugins.length])));
}

/**
 * @param {string} url
 * @param {import('./requests').Request} request
 * @param {Agent} [agent]
 * @returns {Promise<import('./requests').Answer>}
 */
function ask(url, { n, method, path, body }, agent) {
  const headers = { 'X-Request-Id': String(n) };
  if (body !== null) headers['Content-Length'] = String(body.length);
  return new Promise((resolve, reject) => {
    const sent = send(url + path, { method, headers, agent }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

module.exports = { load, ask };
