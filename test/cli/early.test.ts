import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { scratch } from '../support/server';
import { until } from '../support/until';
import { endAfterTest, main } from './support';

/** The processes that a process has started and that still run. */
const childrenOf = (pid: number): number[] => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** A server that waits for its configuration, which comes by a pipe. */
function start(): { child: ReturnType<typeof spawn>; pid: number; file: string; stdout: () => string } {
  const file = path.join(scratch(), 'prest.toml');
  execFileSync('mkfifo', [file]);
  const child = spawn(process.execPath, [main, '--port', '0', '--config', file], { cwd: scratch(), stdio: ['ignore', 'pipe', 'ignore'] });
  endAfterTest(child);
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  return { child, pid: child.pid!, file, stdout: () => stdout };
}

describe('the first server process boots while the configuration is read', () => {
  test('and is the one that serves then', async () => {
    const { pid, file, stdout } = start();
    const [early] = await until(() => (childrenOf(pid).length === 1 ? childrenOf(pid) : undefined));
    await writeFile(file, '');
    await until(() => stdout().includes('listens on') || undefined);
    expect(childrenOf(pid)).toEqual([early]);
  });

  test('and is dismissed where no plugin runs in one', async () => {
    const { pid, file, stdout } = start();
    await until(() => childrenOf(pid).length === 1 || undefined);
    await writeFile(file, '[plugins]\nmode = "process"\n');
    await until(() => stdout().includes('listens on') || undefined);
    await until(() => childrenOf(pid).length === 0 || undefined);
  });

  test('and does not outlive a configuration that is wrong', async () => {
    const { child, pid, file } = start();
    const [early] = await until(() => (childrenOf(pid).length === 1 ? childrenOf(pid) : undefined));
    const exit = once(child, 'exit');
    await writeFile(file, '[plugins]\nmode = "no such"\n');
    expect(await exit).toEqual([1, null]);
    expect(() => process.kill(early!, 0)).toThrow('ESRCH');
  });
});
