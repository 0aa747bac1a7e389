/* What the clients saw, what the plugins counted, what the server logged and what was done to the processes, side by side. */
'use strict';

/**
 * @typedef {object} Death a line of the server's log on the end of a process
 * @property {string} plugin
 * @property {number} pid
 * @property {readonly string[]} requests that were in their handlers, and lost
 * @property {readonly string[]} [again] those that were made again
 * @property {string | null} signal
 * @property {number | null} status
 * @property {number} time milliseconds since 1970
 * @property {string} msg
 */

/**
 * @typedef {object} Evidence
 * @property {readonly import('./plugins').Plugin[]} plugins
 * @property {import('./ledger').Ledger} ledger
 * @property {Buffer} tally see plugins/gopher/tally.h
 * @property {readonly Death[]} deaths
 * @property {readonly import('./chaos').Act[]} acts
 * @property {boolean} [retry] whether calls may be made again: then no innocent one is lost
 */

/** @typedef {'crash' | 'hang' | 'kill' | 'stop'} Cause a guilty call, one that hung, SIGKILL from outside, or the server because of a SIGSTOP from outside */
/** @typedef {'guilty' | 'beside' | 'killed' | 'late'} Fate `beside`: innocent, in a process with one that crashed */

/** An act and its line in the log are at most this far apart; a process that is stopped while it opens may take the longest. */
const FAR = 20_000;
/** Clocks are read in whole milliseconds. */
const SLACK = 2;

/** How the log speaks of processes that the server has ended because they had been stopped. */
const STOPPED = /ended: (a call took longer than its timeout|it had stopped to take calls|it took too long to open)/;

/** @template K, V @param {Map<K, V[]>} lists @param {K} key @param {V} value */
const add = (lists, key, value) => lists.set(key, [...(lists.get(key) ?? []), value]);

class Accounts {
  /** @param {Evidence} evidence */
  constructor({ plugins, ledger, tally, deaths, acts, retry = false }) {
    this.plugins = plugins;
    this.ledger = ledger;
    this.tally = tally;
    this.deaths = deaths;
    this.acts = acts;
    this.retry = retry;
    this.byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
    /** Requests that were not answered rightly, by number. */
    this.unusual = new Map(ledger.unusual.map((request) => [request.n, request]));
    this.right = [...ledger.plugins.values()].reduce((sum, account) => sum + account.right, 0);
    this.crashed = ledger.unusual.filter(({ outcome }) => outcome === 'crashed');
    this.late = ledger.unusual.filter(({ outcome }) => outcome === 'late');
    /** @type {Map<number, import('./chaos').Act[]>} by process */
    this.struck = new Map();
    for (const act of acts) add(this.struck, act.pid, act);
    /** @type {Map<number, Death[]>} lines of the log that name a request, by its number */
    this.named = new Map();
    for (const death of deaths) for (const id of death.requests) add(this.named, Number(id), death);
    /** @type {Map<number, number>} how often a request was made again */
    this.again = new Map();
    for (const { again = [] } of deaths) for (const id of again) this.again.set(Number(id), (this.again.get(Number(id)) ?? 0) + 1);
  }

  /** How often a handler began call n. */
  begun(n) {
    return this.tally[2 * n] ?? 0;
  }

  ended(n) {
    return this.tally[2 * n + 1] ?? 0;
  }

  /** Whether such an act can have led to the end of that process. */
  wasStruck({ pid, time }, kind) {
    const acts = this.struck.get(pid) ?? [];
    return acts.some((act) => act.kind === kind && act.time <= time + SLACK && time - act.time < FAR);
  }

  /** The lines of the log on the process that an act has struck. */
  deathsOf({ pid, time }) {
    return this.deaths.filter((death) => death.pid === pid && death.time >= time - SLACK && death.time - time < FAR);
  }

  /**
   * @param {Death} death
   * @returns {Cause | undefined} undefined: nothing explains it
   */
  causeOf(death) {
    if (STOPPED.test(death.msg)) {
      if (death.requests.some((id) => this.isHung(Number(id)))) return 'hang';
      return this.wasStruck(death, 'stop') ? 'stop' : undefined;
    }
    // Where two of them crash a process at once, the other one may be made again.
    const inside = [...death.requests, ...(death.again ?? [])];
    if (inside.some((id) => this.isCulprit(Number(id), death))) return 'crash';
    return death.signal === 'SIGKILL' && this.wasStruck(death, 'kill') ? 'kill' : undefined;
  }

  /** Whether a process can have ended by a call: it is guilty, has begun, and would end it in this way. */
  isCulprit(n, { plugin, signal, status }) {
    const way = this.unusual.get(n)?.way ?? null;
    return way !== null && this.begun(n) > 0 && this.byName.get(plugin).ways[way] === (signal ?? status);
  }

  /** Whether it is one that hangs, and has begun. */
  isHung(n) {
    return this.unusual.get(n)?.way === 'Hang' && this.begun(n) > 0;
  }

  /** Whether a process of the plugin was stopped, for good, while the request was on its way. */
  metStop({ plugin, sent, answered }) {
    return this.acts.some((act) => {
      if (act.kind !== 'stop' || act.plugin !== plugin || act.time > answered) return false;
      // It ends with SIGCONT, or with the process.
      return sent <= Math.min(act.end, this.deathsOf(act)[0]?.time ?? Infinity) + SLACK;
    });
  }

  /** @returns {Map<string, Record<Fate, number>>} what became of the requests that were not answered rightly, by plugin */
  fates() {
    const fates = new Map(this.plugins.map(({ name }) => [name, { guilty: 0, beside: 0, killed: 0, late: 0 }]));
    for (const { plugin, way } of this.late) fates.get(plugin)[way === null ? 'late' : 'guilty']++;
    for (const { n, plugin, way } of this.crashed) {
      const death = this.named.get(n)?.[0];
      const isBeside = death !== undefined && this.causeOf(death) === 'crash';
      fates.get(plugin)[way !== null ? 'guilty' : isBeside ? 'beside' : 'killed']++;
    }
    return fates;
  }

  /** @returns {Record<Cause, number>} ends of processes */
  ends() {
    const ends = { crash: 0, hang: 0, kill: 0, stop: 0 };
    for (const death of this.deaths) {
      const cause = this.causeOf(death);
      if (cause !== undefined) ends[cause]++;
    }
    return ends;
  }
}

module.exports = { Accounts, SLACK };
