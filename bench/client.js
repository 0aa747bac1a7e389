'use strict';

const { Agent, request } = require('node:http');

/**
 * Sends one request and resolves with the whole answer.
 * @param {string} url
 * @param {number} body bytes of a POST body; 0: a GET
 * @param {Agent} [agent] a connection of its own unless given
 * @returns {Promise<{ status: number, text: string }>}
 */
function send(url, body = 0, agent = undefined) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: body > 0 ? 'POST' : 'GET', agent: agent ?? false }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    asked.on('error', reject);
    asked.end(body > 0 ? 'x'.repeat(body) : undefined);
  });
}

/** A connection that stays open from request to request. */
const keptConnection = () => new Agent({ keepAlive: true, maxSockets: 1 });

module.exports = { send, keptConnection };
