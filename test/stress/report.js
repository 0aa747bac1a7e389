/* What is printed in the end. */
'use strict';

const EXAMPLES = 10;

/**
 * @param {readonly string[]} heads
 * @param {readonly (readonly (string | number)[])[]} rows the first column is text
 */
function table(heads, rows) {
  const cells = [heads, ...rows].map((row) => row.map(String));
  const widths = heads.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')).join('\n');
}

/**
 * @param {import('./accounts').Evidence} evidence
 * @param {import('./verdict').Verdict} verdict
 */
function totals({ plugins, ledger }, { fates }) {
  const sum = Array(7).fill(0);
  const rows = plugins.map(({ name, mode, concurrency, workers }) => {
    const { sent, right, took } = ledger.plugins.get(name);
    const { guilty, beside, killed, late } = fates.get(name);
    const counts = [sent, right, guilty, beside, killed, late, sent - right - guilty - beside - killed - late];
    counts.forEach((count, i) => (sum[i] += count));
    const where = mode === 'process' ? `${workers} × ${concurrency}` : mode;
    const times = [took.percentile(50), took.percentile(99), took.max].map((microseconds) => (microseconds / 1000).toFixed(1));
    return [name, where, ...counts, ...times];
  });
  const heads = ['plugin', 'where', 'requests', '200', 'guilty', '502 beside', '502 killed', '504 stopped', 'wrong', 'innocents p50 ms', 'p99', 'max'];
  return table(heads, [...rows, ['all', '', ...sum, '', '', '']]);
}

/**
 * @param {import('./accounts').Evidence} evidence
 * @param {import('./verdict').Verdict} verdict
 */
function happenings({ acts }, { ends }) {
  const count = (kind) => acts.filter((act) => act.kind === kind).length;
  return table(
    ['from outside', 'SIGKILL', 'SIGSTOP', 'SIGSTOP, then SIGCONT'],
    [['signals', count('kill'), count('stop'), count('pause')]],
  ) + '\n\n' + table(['processes that ended', 'by a guilty call', 'by one that hung', 'by SIGKILL from outside', 'by the server, being stopped'], [['', ends.crash, ends.hang, ends.kill, ends.stop]]);
}

/** @param {readonly number[]} samples MB, one a second */
function memory(samples) {
  const one = (value) => value.toFixed(1);
  const early = samples[Math.min(samples.length - 1, Math.ceil(samples.length / 4))];
  return `memory of the server (RSS, MB): ${one(samples[0])} at first, ${one(early)} after a quarter of the time, ` +
    `${one(samples.at(-1))} at the end, ${one(Math.max(...samples))} at most`;
}

/** @param {import('./verdict').Verdict['claims']} claims */
function judgement(claims) {
  return claims
    .map(({ claim, against }) => {
      const lines = against.slice(0, EXAMPLES).map((line) => `      ${line}`);
      if (against.length > EXAMPLES) lines.push(`      and ${against.length - EXAMPLES} more`);
      return [`${against.length === 0 ? 'yes' : ' NO'}  ${claim}`, ...lines].join('\n');
    })
    .join('\n');
}

module.exports = { totals, happenings, memory, judgement };
