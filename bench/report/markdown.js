/* The same tables for docs/benchmarks.md. */
'use strict';

const fs = require('node:fs');

const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

const escape = (cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
const line = (cells) => `| ${cells.map(escape).join(' | ')} |`;
const table = (columns, rows) => [line(columns), line(columns.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');

/**
 * @param {import('../bench').Outcome} outcome
 * @param {ReadonlyMap<string, { file: string, text: string }>} charts by the id of the section that they belong to
 */
function outcomeMarkdown({ machine, generator, duration, sections, goals }, charts) {
  const { cpu, cores, memory, kernel, node, date, loadBefore } = machine;
  const parts = [
    `Measured on ${date}, all in one run of ${duration} by ${generator}: ${cpu}, ${cores} cores, ${memory}; ${kernel}; Node ${node}. ` +
      `Load average before it began: ${loadBefore}.`,
    '## The goals',
    table(['goal', 'measured', ''], goals.map(({ text, measured, verdict }) => [text, measured, verdict])),
  ];
  for (const { id, title, notes, columns, rows } of sections) {
    parts.push(`## ${title}`, notes.join(' '));
    const chart = charts.get(id);
    if (chart !== undefined) parts.push(`![${chart.text}](${chart.file})`);
    parts.push(table(columns, rows.map((row) => cellsOf(row, columns.length))));
  }
  return parts.join('\n\n');
}

function cellsOf({ label, cells, skipped }, width) {
  if (skipped === undefined) return [label, ...cells];
  return [label, `skipped: ${skipped}`, ...new Array(width - 2).fill('')];
}

/**
 * Replaces what stands between the markers of a file.
 * @param {string} file
 * @param {string} text
 */
function replaceBetweenMarkers(file, text) {
  const before = fs.readFileSync(file, 'utf8');
  const begin = before.indexOf(BEGIN);
  const end = before.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`${file} has no ${BEGIN} … ${END}`);
  fs.writeFileSync(file, `${before.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${before.slice(end)}`);
}

module.exports = { outcomeMarkdown, replaceBetweenMarkers };
