import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = path.join(__dirname, 'run.js');

test('a few seconds of stress: all accounts agree', async () => {
  const args = ['--seconds', '4', '--connections', '40', '--kills', '4', '--hangs', '0.002', '--plugins', 'serial,threads,processes,both,bystander'];
  const { stdout } = await run(process.execPath, [script, ...args]);
  const numbers = (line: RegExp): number[] => line.exec(stdout)![1]!.trim().split(/\s+/).map(Number);
  const [requests, right, guilty, ...others] = numbers(/^all {2,}(.*)$/m);
  expect(requests).toBe(right! + guilty!);
  // Beside a guilty one, killed, late or wrong: no innocent one is lost.
  expect(others).toEqual([0, 0, 0, 0]);
  expect(guilty).toBeGreaterThan(0);
  expect(numbers(/^signals (.*)$/m)[0]! > 0).toBe(process.platform === 'linux');
  expect(stdout).not.toContain(' NO ');
});

test('some hundred crashes leave nothing behind, and cost no other call', async () => {
  const { stdout } = await run(process.execPath, [script, '--crashes', '300']);
  expect(stdout).toMatch(/^30\d crashes in \d+ s, \d+ innocent requests beside them$/m);
  expect(stdout).toMatch(/^a crash is overcome in: p50 [\d.]+ ms, p99 [\d.]+ ms/m);
  expect(stdout).not.toContain(' NO ');
});

test('some reloads under load: no request fails, and nothing is left', async () => {
  const { stdout } = await run(process.execPath, [script, '--reload', '--reloads', '20,20']);
  expect(stdout).toMatch(/^mode process: 20 reloads and 2 broken libraries under 64 connections, \d+ requests$/m);
  expect(stdout).toMatch(/^mode process, workers = "1-4", calls of 10 ms: 10 reloads and 1 broken/m);
  expect(stdout).toMatch(/^mode thread: 20 reloads and 2 broken libraries under 64 connections, \d+ requests$/m);
  expect(stdout.match(/^from SIGHUP to the first answer of the next generation: p50 [\d.]+ ms, p99 [\d.]+ ms/gm)).toHaveLength(3);
  expect(stdout).not.toContain(' NO ');
});

test.each([[['--seconds', '0'], '--seconds is a number from 1'], [['--plugins', 'nope'], 'there is no nope'], [['--fast'], '--fast'], [['--reloads', '20'], '--reloads are two numbers']])(
  '%j is misuse, and is told what to do',
  async (args, words) => {
    const failed = run(process.execPath, [script, ...args]);
    await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(words) as string });
    await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining('npm run stress --') as string });
  },
);
