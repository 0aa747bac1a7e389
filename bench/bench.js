/* The whole bench: each suite in turn, then the goals. */
'use strict';

const { buildPlugins } = require('./plugins');
const { chooseGenerator } = require('./load/load');
const { describeMachine } = require('./machine');
const { PRESETS } = require('./presets');
const { judge } = require('./goals');

/**
 * @typedef {object} Context what a suite gets
 * @property {import('./presets').Preset} preset
 * @property {ReturnType<typeof chooseGenerator>} generator
 * @property {Awaited<ReturnType<typeof buildPlugins>>} plugins
 * @property {(name: string) => boolean} wanted whether a row is to be measured
 * @property {(what: string) => void} progress
 */

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string} label
 * @property {'reference' | 'dlserve'} [tone]
 * @property {string} [skipped] why it was not measured; else it has `values`, for goals and charts, and `cells`, for tables
 * @property {Record<string, unknown>} [values]
 * @property {string[]} [cells]
 */

/** @typedef {{ id: string, title: string, notes: string[], columns: string[], rows: Row[] }} Section */

/** @typedef {{ machine: object, generator: string, duration: string, sections: Section[], goals: import('./goals').Goal[] }} Outcome */

const SUITES = ['http', 'beside', 'call', 'start', 'many', 'instructions'];

/**
 * @param {object} options
 * @param {keyof typeof PRESETS} options.preset
 * @param {RegExp} options.only
 * @param {string | undefined} options.load
 * @param {(what: string) => void} options.progress
 * @param {(section: Section) => void} options.onSection told of each table as it is ready
 * @returns {Promise<Outcome>}
 */
async function bench({ preset, only, load, progress, onSection }) {
  const begun = performance.now();
  const machine = describeMachine();
  progress('compiling the plugins of the bench');
  const context = {
    preset: PRESETS[preset],
    generator: chooseGenerator(load),
    plugins: await buildPlugins(),
    wanted: (name) => only.test(name),
    progress,
  };
  const sections = [];
  for (const suite of SUITES) {
    for (const section of await require(`./suites/${suite}`).run(context)) {
      for (const row of section.rows) row.skipped &&= row.skipped.split('\n', 1)[0].slice(0, 160);
      sections.push(section);
      onSection(section);
    }
  }
  const seconds = (performance.now() - begun) / 1000;
  const duration = seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
  return { machine, generator: context.generator.name, duration, sections, goals: judge(sections) };
}

module.exports = { bench };
