'use strict';

/** @param {readonly number[]} values */
function median(values) {
  return percentile(values, 50);
}

/**
 * The nearest rank; of an even number of values the 50th is the mean of the two in the middle.
 * @param {readonly number[]} values
 * @param {number} rank 0 to 100
 */
function percentile(values, rank) {
  const sorted = Float64Array.from(values).sort();
  const { length } = sorted;
  if (rank === 50 && length % 2 === 0) return (sorted[length / 2 - 1] + sorted[length / 2]) / 2;
  return sorted[Math.max(0, Math.ceil((rank / 100) * length) - 1)];
}

/**
 * @param {readonly number[]} values
 * @returns {{ median: number, min: number, max: number }}
 */
function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Ratios of what was measured in the same rounds.
 * @param {readonly number[]} values
 * @param {readonly number[]} bases
 */
function ratios(values, bases) {
  return spread(values.map((value, round) => value / bases[round]));
}

module.exports = { median, percentile, spread, ratios };
