/* Which charts there are. */
'use strict';

const { barChart } = require('./chart');

const whole = (value) => Math.round(value).toLocaleString('en');

/** By the id of the section whose rows they show. */
const CHARTS = {
  'http/get-c64': {
    file: 'bench-http.svg',
    text: 'Requests a second, GET with a reply of 100 B, 64 connections',
    unit: 'requests/s, more is better; the line is the spread of the rounds',
    bars: ({ rate }) => [{ value: rate.median, min: rate.min, max: rate.max, text: whole(rate.median) }],
  },
  call: {
    file: 'bench-calls.svg',
    text: 'Host time of one call, 64 in flight',
    unit: 'µs of the main thread, less is better',
    bars: ({ host64 }) => host64 === undefined ? [] : [{ value: host64.median, min: host64.min, max: host64.max, text: host64.median.toFixed(2) }],
  },
  beside: {
    file: 'bench-beside.svg',
    text: 'p99 of a fast handler: alone, and beside 50 that sleep 100 ms',
    unit: 'ms, less is better; blue: dlserve; the first bar of each pair is alone',
    bars: ({ alone, beside }) => [
      { value: alone.median, text: `${alone.median.toFixed(2)} alone` },
      { value: beside.median, text: `${beside.median.toFixed(2)} beside` },
    ],
  },
};

/**
 * @param {readonly import('../bench').Section[]} sections
 * @returns {Map<string, { file: string, text: string, svg: string }>} by the id of the section
 */
function drawCharts(sections) {
  const charts = new Map();
  for (const { id, rows } of sections) {
    const chart = CHARTS[id];
    if (chart === undefined) continue;
    const bars = rows.filter(({ values }) => values !== undefined).flatMap(({ label, tone, values }) =>
      chart.bars(values).map((bar, i) => ({ ...bar, tone, label: i === 0 ? label : '' })),
    );
    if (bars.length > 0) charts.set(id, { file: chart.file, text: chart.text, svg: barChart({ title: chart.text, unit: chart.unit, bars }) });
  }
  return charts;
}

module.exports = { drawCharts };
