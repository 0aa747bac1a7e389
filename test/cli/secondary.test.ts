import { spawn } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import path from 'node:path';
import { scratch } from '../support/server';

test('a server process that can not publish what it runs tells its primary why, and ends', async () => {
  const page = path.join(scratch(), 'page');
  writeFileSync(page, 'too short');
  const program = path.resolve(__dirname, '../../dist/cli/serve/server-process-main.js');
  const source = `
    const cluster = require('node:cluster');
    cluster.setupPrimary({ execArgv: [], exec: ${JSON.stringify(program)}, args: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc', 3] });
    const worker = cluster.fork();
    worker.send({ type: 'start', flags: {}, text: null, port: 0, hasSocket: false, isOnly: true, demoted: [] });
    const hangs = setTimeout(() => worker.process.kill('SIGKILL'), 20_000);
    worker.on('message', (message) => console.log(JSON.stringify(message)));
    worker.on('exit', (code) => clearTimeout(hangs) ?? console.log(code));`;
  const primary = spawn(process.execPath, ['-e', source], { cwd: scratch(), stdio: ['ignore', 'pipe', 'inherit', openSync(page, 'r+')] });
  const [message, code] = (await text(primary.stdout!)).trim().split('\n');
  expect(JSON.parse(message!)).toEqual({ type: 'fatal', message: expect.any(String) as string });
  expect(code).toBe('1');
}, 40_000);
