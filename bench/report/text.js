/* Tables for a terminal. */
'use strict';

/** @param {import('../bench').Section} section */
function sectionText({ title, notes, columns, rows }) {
  const lines = rows.map(({ label, cells, skipped }) => (skipped === undefined ? [label, ...cells] : [label, `skipped: ${skipped}`]));
  return [`\n${title}`, ...notes.map((note) => `  ${note}`), ...table(columns, lines)].join('\n');
}

/** @param {readonly import('../goals').Goal[]} goals */
function goalsText(goals) {
  const lines = goals.map(({ text, measured, verdict }) => [text, measured, verdict]);
  return ['\nGoals', ...table(['goal', 'measured', ''], lines)].join('\n');
}

/** The first column is text; the others are figures. A line with fewer cells than columns runs on. */
function table(columns, lines) {
  const whole = lines.filter((line) => line.length === columns.length);
  const widths = columns.map((column, i) => Math.max(column.length, ...(i === 0 ? lines : whole).map((line) => line[i].length)));
  const pad = (cell, i, line) => {
    if (i === 0) return cell.padEnd(widths[0]);
    return line.length === columns.length ? cell.padStart(widths[i]) : cell;
  };
  const draw = (line) => `  ${line.map((cell, i) => pad(cell, i, line)).join('  ')}`.trimEnd();
  return [draw(columns), `  ${'─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2))}`, ...lines.map(draw)];
}

module.exports = { sectionText, goalsText };
