/* Bar charts as SVG, readable on light and on dark paper. */
'use strict';

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {'reference' | 'dlserve'} tone
 * @property {number} value
 * @property {number} [min] with `max`: the spread, drawn as a line
 * @property {number} [max]
 * @property {string} [text] written at its end; the value unless given
 */

const WIDTH = 850;
const LABELS = 340;
const VALUES = 130;
const ROW = 26;
const BAR = 16;
const TOP = 56;

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #24292f; }
    .title { font-size: 15px; font-weight: 600; }
    .unit { fill: #57606a; }
    .reference { fill: #8c959f; }
    .dlserve { fill: #2f6fdb; }
    .spread { stroke: #24292f; stroke-width: 1.5; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .unit { fill: #9198a1; }
      .dlserve { fill: #5b9bff; }
      .spread { stroke: #e6edf3; }
    }`;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const round = (value) => Number(value.toFixed(1));

/**
 * @param {{ title: string, unit: string, bars: readonly Bar[] }} chart
 * @returns {string} an SVG document
 */
function barChart({ title, unit, bars }) {
  const height = TOP + bars.length * ROW + 8;
  const most = Math.max(...bars.map(({ value, max }) => max ?? value));
  const scale = (value) => round((value / most) * (WIDTH - LABELS - VALUES));
  const rows = bars.map((bar, i) => drawBar(bar, TOP + i * ROW, scale));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">`,
    `  <style>${STYLE}\n  </style>`,
    `  <text class="title" x="8" y="22">${escape(title)}</text>`,
    `  <text class="unit" x="8" y="42">${escape(unit)}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

function drawBar({ label, tone, value, min, max, text }, y, scale) {
  const middle = y + BAR / 2;
  const width = scale(value);
  const end = LABELS + Math.max(width, max === undefined ? 0 : scale(max));
  const parts = [
    `  <text x="${LABELS - 8}" y="${middle + 5}" text-anchor="end">${escape(label)}</text>`,
    `  <rect class="${tone}" x="${LABELS}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
    `  <text x="${end + 8}" y="${middle + 5}">${escape(text ?? value.toLocaleString('en'))}</text>`,
  ];
  if (min !== undefined && max !== undefined && max > min) {
    parts.push(`  <line class="spread" x1="${LABELS + scale(min)}" y1="${middle}" x2="${LABELS + scale(max)}" y2="${middle}"/>`);
  }
  return parts.join('\n');
}

module.exports = { barChart };
