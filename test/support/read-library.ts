import { spawnSync } from 'node:child_process';
import path from 'node:path';

const dist = path.resolve(__dirname, '../../dist/binary');

const program = `
  const { readLibrary } = require(${JSON.stringify(path.join(dist, 'read'))});
  const { handlersOf } = require(${JSON.stringify(path.join(dist, 'exports'))});
  // On Linux maxRSS begins with that of the process which started this one.
  const peak = () => process.platform === 'linux' ? Number(/VmHWM:\\s*(\\d+)/.exec(require('fs').readFileSync('/proc/self/status', 'utf8'))[1]) : process.resourceUsage().maxRSS;
  readLibrary(process.argv[1])
    .then((library) => 'handlers: ' + handlersOf(library).symbols.length, (error) => error.message)
    .then((said) => console.log(JSON.stringify({ said, memory: peak() / 1024, seconds: process.cpuUsage().user / 1e6 })));
`;

/**
 * Reads a library in a process of its own, which may have 64 MB of objects.
 * @returns how many handlers it has or why it was refused, the most memory that was used, in MB, and the seconds of computing
 */
export function readInChild(file: string): { said: string; memory: number; seconds: number } {
  const { stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=64', '-e', program, file], {
    encoding: 'utf8',
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  if (stdout === '') throw new Error(`it was not read: ${stderr.slice(0, 1000)}`);
  return JSON.parse(stdout) as ReturnType<typeof readInChild>;
}
