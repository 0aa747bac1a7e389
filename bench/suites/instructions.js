/* Instructions of the native code, counted by callgrind: the same on every run. */
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { root } = require('../plugins');
const { start } = require('../processes');

const CASES = {
  get: 'GET, reply 100 B',
  'get-1mb': 'GET, reply 1 MB',
  'post-1kb': 'POST, 1 KB of text',
  'post-1kb-json': 'POST, 1 KB of JSON',
  'post-1mb': 'POST, 1 MB of text',
};

const SOURCES = ['bench/native/count.c', 'native/invoke/invoke.c'];

/**
 * @param {import('../bench').Context} context
 * @returns {Promise<import('../bench').Section[]>}
 */
async function run({ preset, progress, wanted }) {
  const ids = Object.keys(CASES).filter((id) => preset.instructions && wanted(`instructions/${id}`));
  if (ids.length === 0) return [];
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'dlserve-bench-count-'));
  try {
    const skipped = prepare(folder);
    const rows = [];
    for (const id of ids) {
      progress(`instructions: ${CASES[id]}`);
      rows.push(skipped === undefined ? await count(id, folder) : { id, label: CASES[id], skipped });
    }
    const notes = [
      'Around a call in the runner and the addon (native/invoke): the request text is written, the handler called, its reply looked at. ' +
        'The handler itself does nothing. Counted by callgrind, which repeats exactly.',
    ];
    return [{ id: 'instructions', title: 'Instructions of one call', notes, columns: ['case', 'instructions'], rows }];
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** Compiles the driver. Returns why not, where it can't. */
function prepare(folder) {
  if (spawnSync('valgrind', ['--version']).error !== undefined) return 'valgrind is not installed';
  const args = ['-std=gnu11', '-O2', '-g', '-o', path.join(folder, 'count'), ...SOURCES.map((file) => path.join(root, file))];
  const { status, error, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

/** The difference of two runs is free of everything that is done once. */
async function count(id, folder) {
  const label = CASES[id];
  try {
    const few = await collect(id, 10, folder);
    const more = await collect(id, 20, folder);
    const instructions = (more - few) / 10;
    return { id, label, tone: 'dlserve', values: { instructions }, cells: [instructions.toLocaleString('en')] };
  } catch (error) {
    return { id, label, skipped: error.message };
  }
}

async function collect(id, times, folder) {
  const args = ['--tool=callgrind', `--callgrind-out-file=${path.join(folder, 'out')}`, path.join(folder, 'count'), id, String(times)];
  const { stderr } = await start('valgrind', args).ended(60_000);
  const collected = /Collected : (\d+)/.exec(stderr);
  if (collected === null) throw new Error(`valgrind counted nothing: ${stderr.trim().split('\n').at(-1)}`);
  return Number(collected[1]);
}

module.exports = { run };
