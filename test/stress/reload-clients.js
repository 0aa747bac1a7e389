/* Clients of the plugin that is replaced: each reply must be of one generation, and of none that was seen replaced before it was asked for. */
'use strict';

const { Agent } = require('node:http');
const { setTimeout } = require('node:timers/promises');
const { ask } = require('./load');

/** Digits of a generation's number, of which each reply is full; see plugins/generation.c. */
const DIGITS = 8;
/** Milliseconds that anything new may take. */
const LIMIT = 30_000;

/** Connections that ask without end. */
class Clients {
  answered = 0;
  /** The newest generation that has answered. */
  newest = 0;
  /** What was not as it should be. */
  complaints = [];
  #isOver = false;
  #all;

  /**
   * @param {string} url of the server
   * @param {number} connections
   * @param {number} wait milliseconds that a call takes at least
   */
  constructor(url, connections, wait) {
    const request = { n: 0, method: 'GET', path: `/_PLUGIN/generation/Number?wait=${wait}`, body: null };
    this.#all = Promise.all(Array.from({ length: connections }, () => this.#client(url, request)));
  }

  async #client(url, request) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#isOver) {
      const replaced = this.newest;
      const complaint = await ask(url, request, agent).then(
        (answer) => this.#judge(answer, replaced),
        (error) => `no answer: ${error.message}`,
      );
      this.answered++;
      if (complaint !== undefined) this.complaints.push(complaint);
    }
    agent.destroy();
  }

  #judge({ status, headers, body }, replaced) {
    const text = body.toString('latin1');
    if (status !== 200) return `${status}: ${text.slice(0, 300)}`;
    const number = headers['x-generation'];
    if (text !== number.repeat(text.length / DIGITS)) return `a reply of several generations: ${number}, ${text.slice(0, DIGITS)} ... ${text.slice(-DIGITS)}`;
    if (!/^[0-8]\d+$/.test(number)) return `a reply of a generation that is not initialised, or was stopped: ${number}`;
    if (Number(number) < replaced) return `generation ${Number(number)} answered a request that was sent after ${replaced} had answered`;
    this.newest = Math.max(this.newest, Number(number));
    return undefined;
  }

  /** Waits for the first answer of a generation, or for the first complaint. */
  async see(generation) {
    const end = performance.now() + LIMIT;
    while (this.newest < generation && this.complaints.length === 0) {
      if (performance.now() > end) throw new Error(`generation ${generation} does not come; the newest is ${this.newest}`);
      await setTimeout(1);
    }
  }

  async stop() {
    this.#isOver = true;
    await this.#all;
  }
}

module.exports = { Clients, DIGITS, LIMIT };
