/* What strikes runners from outside. */
'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const { runnersOf } = require('./runners');

/**
 * @typedef {object} Act
 * @property {'kill' | 'pause' | 'stop'} kind SIGKILL; SIGSTOP for less than a third of a second; SIGSTOP for good
 * @property {number} pid
 * @property {string} plugin
 * @property {number} time milliseconds since 1970
 * @property {number} end of a pause or a stop; Infinity: its process did not live to see it
 */

/** Share of all that happens. */
const PAUSES = 0.2;
const LONGEST_PAUSE = 300;

const signal = (pid, name) => {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
};

/** Kills, pauses and stops runners at random. */
class Chaos {
  /**
   * @param {number} server
   * @param {readonly string[]} plugins whose runners are struck
   * @param {number} rate acts each second and plugin
   * @param {number} stops the share of them that are stopped for good
   * @param {() => number} next random
   */
  constructor(server, plugins, rate, stops, next) {
    this.server = server;
    this.plugins = plugins;
    this.rate = rate;
    this.stops = stops;
    this.next = next;
    /** @type {Act[]} */
    this.acts = [];
    this.seen = new Set();
  }

  /**
   * Goes on for some seconds; nothing is left stopped then.
   * @param {number} seconds
   */
  async run(seconds) {
    const end = performance.now() + seconds * 1000;
    const pauses = [];
    for (;;) {
      const wait = (this.next() * 2000) / (this.rate * this.plugins.length);
      if (performance.now() + wait >= end) break;
      await sleep(wait);
      const act = this.strike();
      if (act?.kind === 'pause') pauses.push(sleep(this.next() * LONGEST_PAUSE).then(() => this.release(act)));
    }
    await sleep(end - performance.now());
    await Promise.all(pauses);
    for (const act of this.acts) if (act.kind === 'stop') this.release(act);
  }

  strike() {
    // One that was stopped for good is the server's affair.
    const stopped = new Set(this.acts.filter(({ kind }) => kind === 'stop').map(({ pid }) => pid));
    const runners = runnersOf(this.server).filter(({ pid }) => !stopped.has(pid));
    // One that is stopped while it opens its library keeps its plugin from working for all the time that opening may take.
    const grown = runners.filter(({ pid }) => this.seen.has(pid));
    this.seen = new Set(runners.map(({ pid }) => pid));
    const draw = this.next();
    const kind = draw < this.stops ? 'stop' : draw < this.stops + PAUSES ? 'pause' : 'kill';
    const plugin = this.pick(this.plugins);
    const choice = (kind === 'stop' ? grown : runners).filter((runner) => runner.plugin === plugin);
    if (choice.length === 0) return undefined;
    const { pid } = this.pick(choice);
    const act = { kind, pid, plugin, time: Date.now(), end: Infinity };
    if (!signal(pid, kind === 'kill' ? 'SIGKILL' : 'SIGSTOP')) return undefined;
    this.acts.push(act);
    return act;
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  release(act) {
    if (signal(act.pid, 'SIGCONT')) act.end = Date.now();
  }
}

module.exports = { Chaos };
