import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { onTerminal } from '../support/terminal';

const compiled = path.resolve(__dirname, '../../dist/ground/log.js');

/** What a program that logs writes to standard error, with the word ESC for the character. */
function written(log: string, env: Record<string, string>, isTerminal: boolean): string {
  const source = `require(${JSON.stringify(compiled)}).${log}.warn("words")`;
  const plain = { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined, TERM: 'xterm', ...env };
  const command = [process.execPath, '-e', `'${source}'`].join(' ');
  const { stdout, stderr } = isTerminal
    ? spawnSync(...onTerminal(command), { env: plain, encoding: 'utf8' })
    : spawnSync(command, { shell: true, env: plain, encoding: 'utf8' });
  return (stdout + stderr).replaceAll('\x1b', 'ESC');
}

const COLOURED = /^\[[\d:]+\] ESC\[\d+mWARNESC\[39m: /;
const PLAIN = /^\[[\d:]+\] WARN: words\r?\n$/;

test.each<[Record<string, string>, RegExp]>([
  [{}, COLOURED],
  [{ NO_COLOR: '' }, COLOURED],
  [{ NO_COLOR: '1' }, PLAIN],
  [{ NO_COLOR: '1', FORCE_COLOR: '1' }, COLOURED],
  [{ TERM: 'dumb' }, PLAIN],
  [{ TERM: 'dumb', FORCE_COLOR: '1' }, COLOURED],
  [{ FORCE_COLOR: '0' }, PLAIN],
])('on a terminal, with %j', (env, line) => {
  expect(written('createLog("info")', env, true)).toMatch(line);
});

test.each<[Record<string, string>, RegExp]>([
  [{}, PLAIN],
  [{ FORCE_COLOR: '1' }, COLOURED],
  [{ FORCE_COLOR: 'false' }, PLAIN],
])('a command for people, on no terminal, with %j', (env, line) => {
  expect(written('createCommandLog("info")', env, false)).toMatch(line);
});

test('a server for no people, in colours or not, writes JSON', () => {
  expect(JSON.parse(written('createLog("info", { worker: 1 })', { FORCE_COLOR: '1' }, false))).toEqual({ level: 40, time: expect.any(Number) as number, worker: 1, msg: 'words' });
});

test('a line that comes when nothing can be loaded is written all the same', () => {
  const source = `
    const { openSync, closeSync } = require('node:fs');
    const log = require(${JSON.stringify(compiled)}).createLateLog('info', { worker: 1 });
    const taken = [];
    try {
      for (;;) taken.push(openSync('/dev/null'));
    } catch {}
    // Where standard error is a pipe, a descriptor of its own.
    closeSync(taken.pop());
    log.open();
    log.warn({ error: new Error('why') }, 'words');
    for (const descriptor of taken) closeSync(descriptor);
    log.debug('nothing');
    log.error('more words');`;
  const { stderr, status } = spawnSync('sh', ['-c', 'ulimit -n 64; exec "$0" -e "$1"', process.execPath, source], { encoding: 'utf8' });
  const lines = stderr.trim().split('\n').map((line) => JSON.parse(line) as object);
  const time = expect.any(Number) as number;
  expect({ lines, status }).toEqual({
    lines: [
      { level: 40, time, worker: 1, error: 'why', msg: 'words' },
      { level: 50, time, worker: 1, msg: 'more words' },
    ],
    status: 0,
  });
});
