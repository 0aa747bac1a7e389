import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { compileFixture } from '../support/compile';
import { scratch } from '../support/server';

const dist = path.resolve(__dirname, '../../dist');

/** Asks a host when no descriptor is left, and when only so many are, until each attempt to open has met its own want; and then with enough. */
const program = `
  const { createPluginHost } = require(${JSON.stringify(dist)});
  const { openSync, closeSync } = require('node:fs');
  (async ([pluginpath, mode]) => {
    const host = await createPluginHost({ pluginpath, plugins: { mode, build: false } });
    const ask = () => host.call('echo', 'Echo').then(({ status }) => status, ({ code, status }) => code + ' ' + status);
    const taken = [];
    try {
      for (;;) taken.push(openSync('/dev/null'));
    } catch {}
    const said = new Set();
    for (let answer; answer !== 200 && taken.length > 0; closeSync(taken.pop())) said.add((answer = await ask()));
    for (const descriptor of taken) closeSync(descriptor);
    said.add(await ask());
    console.log(JSON.stringify([...said]));
    await host.close();
  })(process.argv.slice(1));
`;

test.each(['thread', 'inline', 'process'])('a plugin that can not be opened for want of descriptors is unavailable until there are some, mode %s', (mode) => {
  const pluginpath = path.join(scratch(), 'lib');
  mkdirSync(pluginpath);
  cpSync(compileFixture('echo.c'), path.join(pluginpath, 'echo.so'));
  const command = 'ulimit -n 64; exec "$0" -e "$1" "$2" "$3"';
  const { stdout, stderr } = spawnSync('sh', ['-c', command, process.execPath, program, pluginpath, mode], { encoding: 'utf8', timeout: 60_000 });
  expect({ said: JSON.parse(stdout || 'null') as unknown, stderr }).toEqual({ said: ['UNAVAILABLE 503', 200], stderr: '' });
});
