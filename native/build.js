/* Builds the native targets of binding.gyp: the runner (mode "process") and the addon (faster modes "thread" and "inline").
 * Run by `npm install`. dlserve works without them, so a failure here is told, kept for `dlserve` to tell again, and never
 * fails the installation. */
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.dirname(__dirname);
const report = path.join(root, 'build', 'failed.txt');

/** Headers beside the running node spare node-gyp a download. */
function nodedir() {
  const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
  return fs.existsSync(path.join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

function main() {
  if (process.platform === 'win32') return;
  const nodeGyp = require.resolve('node-gyp/bin/node-gyp.js', { paths: [root] });
  const args = [nodeGyp, 'rebuild', '--loglevel=error', ...nodedir(), ...process.argv.slice(2)];
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return;
  const words = (error ? error.message : `${stdout}${stderr}`).trim();
  fs.mkdirSync(path.dirname(report), { recursive: true });
  fs.writeFileSync(report, `${words}\n`);
  console.error(
    `dlserve: the native parts were not built, so mode "process" is not available and the other modes are slower.\n` +
      `Install a C compiler, make and Python, then run: npm rebuild dlserve\n\n${words.split('\n').slice(-12).join('\n')}`,
  );
}

main();
