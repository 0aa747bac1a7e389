/* What must hold. */
'use strict';

const { Accounts, SLACK } = require('./accounts');
const { TIMEOUT } = require('./plugins');

/**
 * A claim, and who looks for what speaks against it.
 * @type {readonly [string | ((accounts: Accounts) => string), (accounts: Accounts, object: (line: string) => void) => void][]}
 */
const CLAIMS = [
  [
    'every request got the right answer, or one of 502 and 504',
    ({ ledger }, object) => {
      for (const { n, plugin, way, outcome } of ledger.unusual) {
        if (outcome !== 'crashed' && outcome !== 'late') object(`request ${n} to ${plugin} (${way ?? 'innocent'}): ${outcome}`);
      }
    },
  ],
  [
    ({ ledger, right, crashed, late }) => `requests ${ledger.sent} = right ${right} + crashed ${crashed.length} + late ${late.length}`,
    ({ ledger, unusual, right, crashed, late }, object) => {
      const difference = ledger.sent - right - crashed.length - late.length;
      if (difference !== 0) object(`the difference is ${difference}`);
      for (let n = 1; n <= ledger.sent; n++) {
        if (ledger.right[n] + (unusual.has(n) ? 1 : 0) !== 1) object(`request ${n} was not answered once`);
      }
    },
  ],
  [
    'no call was begun twice, unless the log says that it was made again, and each that was answered rightly was begun and ended',
    (accounts, object) => {
      const { ledger, tally } = accounts;
      for (let n = 0; 2 * n < tally.length; n++) {
        const [begun, ended] = [accounts.begun(n), accounts.ended(n)];
        if (begun > 0 && (n === 0 || n > ledger.sent)) object(`call ${n} was never made`);
        const isRight = n <= ledger.sent && ledger.right[n] === 1;
        const made = 1 + (accounts.again.get(n) ?? 0);
        const isMore = begun > made || ended > begun;
        if (isRight ? begun < 1 || isMore || ended < 1 || (made === 1 && begun !== ended) : isMore) object(`call ${n} was begun ${begun} times and ended ${ended} times`);
      }
    },
  ],
  [
    'every end of a process has its cause: a guilty call, one that hangs, or a signal from outside',
    (accounts, object) => {
      for (const death of accounts.deaths) {
        const { plugin, pid, msg, requests } = death;
        if (accounts.causeOf(death) === undefined) object(`${plugin}, process ${pid}: ${msg}, requests ${JSON.stringify(requests)}`);
      }
    },
  ],
  [
    'every process that was killed from outside is in the log, once',
    (accounts, object) => {
      for (const act of accounts.acts) {
        if (act.kind !== 'kill') continue;
        const lines = accounts.deathsOf(act);
        if (lines.length !== 1) object(`${act.plugin}, process ${act.pid} is in ${lines.length} lines`);
      }
    },
  ],
  [
    'a process takes no more calls with it than it has threads',
    ({ deaths, byName }, object) => {
      for (const { plugin, pid, requests } of deaths) {
        if (requests.length > byName.get(plugin).concurrency) object(`${plugin}, process ${pid}: ${requests.length}`);
      }
    },
  ],
  [
    'every 502 was in a process that ended, as the log has it',
    ({ crashed, named }, object) => {
      for (const { n, plugin } of crashed) {
        const lines = (named.get(n) ?? []).filter((death) => death.plugin === plugin);
        if (lines.length !== 1) object(`request ${n} to ${plugin} is in ${lines.length} lines of the log`);
      }
    },
  ],
  [
    'every call that the log has in a process that ended answered 502, or 504 where that was stopped',
    (accounts, object) => {
      for (const [n, [death]] of accounts.named) {
        const outcome = accounts.unusual.get(n)?.outcome;
        const fits = outcome === 'crashed' || (outcome === 'late' && (accounts.isHung(n) || accounts.wasStruck(death, 'stop')));
        if (!fits) object(`request ${n} to ${death.plugin} (${death.msg}): ${outcome ?? 'right'}`);
      }
    },
  ],
  [
    'every 504 took its time, by a call that hangs, or while a process of its plugin was stopped',
    (accounts, object) => {
      for (const request of accounts.late) {
        const took = request.answered - request.sent;
        if (took < TIMEOUT - SLACK || (request.way !== 'Hang' && !accounts.metStop(request))) object(`request ${request.n} to ${request.plugin} after ${Math.round(took)} ms`);
      }
    },
  ],
  [
    'every innocent request was answered 200, unless its process was stopped for good',
    (accounts, object) => {
      if (!accounts.retry) return;
      for (const request of accounts.ledger.unusual) {
        const { n, plugin, way, outcome } = request;
        if (way === null && !accounts.metStop(request)) object(`request ${n} to ${plugin}: ${outcome}`);
      }
    },
  ],
  [
    'an innocent call never answered 502 where calls run one by one, unless its process was killed from outside',
    (accounts, object) => {
      for (const [name, { beside }] of accounts.fates()) {
        if (accounts.byName.get(name).concurrency === 1 && beside > 0) object(`${name}: ${beside}`);
      }
    },
  ],
  [
    'a plugin outside noticed nothing',
    ({ ledger, byName }, object) => {
      for (const { plugin, n, outcome } of ledger.unusual) {
        if (byName.get(plugin).mode === 'thread') object(`${plugin}, request ${n}: ${outcome}`);
      }
    },
  ],
];

/**
 * @typedef {object} Verdict
 * @property {readonly { claim: string, against: readonly string[] }[]} claims each with what speaks against it
 * @property {Record<import('./accounts').Cause, number>} ends
 * @property {Map<string, Record<import('./accounts').Fate, number>>} fates
 */

/**
 * @param {import('./accounts').Evidence} evidence
 * @returns {Verdict}
 */
function reach(evidence) {
  const accounts = new Accounts(evidence);
  const claims = CLAIMS.map(([claim, look]) => {
    const against = [];
    look(accounts, (line) => against.push(line));
    return { claim: typeof claim === 'string' ? claim : claim(accounts), against };
  });
  return { claims, ends: accounts.ends(), fates: accounts.fates() };
}

module.exports = { reach };
