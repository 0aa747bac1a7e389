/* Many plugins in mode "process" at once. */
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { SMALL } = require('../reference/replies');
const { libraryOf } = require('../plugins');
const { SERVERS, startServer } = require('../servers');
const { send } = require('../client');
const { memoryOf, childrenOf } = require('../resources');

/**
 * @param {import('../bench').Context} context
 * @returns {Promise<import('../bench').Section[]>}
 */
async function run({ preset, progress, wanted, plugins }) {
  const { count } = preset.many;
  if (count === 0 || !wanted('many/process')) return [];
  const label = `${count} plugins, mode process`;
  progress(label);
  const pluginpath = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-bench-many-'));
  let row;
  try {
    const missing = plugins.missing('bench');
    if (missing !== undefined) throw new Error(missing);
    const values = await measure(pluginpath, libraryOf(plugins.pluginpath, 'bench'), count);
    row = { id: 'process', label, tone: 'dlserve', values, cells: cells(values) };
  } catch (error) {
    row = { id: 'process', label, skipped: error.message };
  } finally {
    fs.rmSync(pluginpath, { recursive: true });
  }
  const columns = ['', 'right answers', 'all opened s', 'all called again ms', 'runners', 'runners PSS MB', 'runners RSS MB', 'server RSS MB'];
  const notes = [`The same library under ${count} names: asked for all at once, then all at once again.`];
  return [{ id: 'many', title: 'Many plugins at once', notes, columns, rows: [row] }];
}

async function measure(pluginpath, library, count) {
  const names = Array.from({ length: count }, (_, i) => `plugin${i}`);
  for (const name of names) fs.copyFileSync(library, path.join(pluginpath, `${name}${path.extname(library)}`));
  const server = await startServer(SERVERS['process-fast'], pluginpath);
  try {
    const askAll = async () => {
      const begun = performance.now();
      const answers = await Promise.all(names.map((name) => send(`${server.url}/_PLUGIN/${name}/Small`)));
      const right = answers.filter(({ status, text }) => status === 200 && text === SMALL).length;
      return { right, ms: performance.now() - begun };
    };
    const opened = await askAll();
    const again = await askAll();
    const runners = childrenOf(server.pid).map(memoryOf);
    const sum = (key) => runners.reduce((total, memory) => total + (memory[key] ?? NaN), 0);
    return {
      right: Math.min(opened.right, again.right),
      count,
      openedMs: opened.ms,
      againMs: again.ms,
      runners: runners.length,
      pss: sum('pss'),
      rss: sum('rss'),
      server: memoryOf(server.pid).rss,
    };
  } finally {
    await server.stop();
  }
}

function cells({ right, count, openedMs, againMs, runners, pss, rss, server }) {
  const one = (value) => (Number.isNaN(value) ? '–' : value.toFixed(1));
  return [`${right} of ${count}`, (openedMs / 1000).toFixed(2), one(againMs), String(runners), one(pss), one(rss), one(server)];
}

module.exports = { run };
