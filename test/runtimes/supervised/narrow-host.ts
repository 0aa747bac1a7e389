/* Hosts sized.c in an address space that has little left, and says what becomes of a large reply and of those beside it. */
import { readFileSync } from 'node:fs';
import { processRuntime } from '../../../src/runtimes/supervised/runner/runtime';
import type { DlserveError } from '../../../src/ground/errors';
import { bytesOf, callHandler, pluginSource } from '../../support/runtime';

const MB = 1024 * 1024;
const RLIMIT_AS = 9;

/** Leaves this process so many bytes of address space. */
async function narrow(bytes: number): Promise<void> {
  const { default: koffi } = await import('koffi');
  const used = Number(/^VmSize:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
  const setrlimit = koffi.load(null).func('int setrlimit(int resource, const uint64_t *limit)');
  if (setrlimit(RLIMIT_AS, [used + bytes, used + bytes]) !== 0) throw new Error('setrlimit');
}

async function main(): Promise<void> {
  const [runner, library] = process.argv.slice(2);
  const plugin = await processRuntime({ runner: runner! }).open(pluginSource(library!, { symbols: ['GETBytesHandler'] }));
  const ask = (bytes: number): Promise<string> =>
    callHandler(plugin, 0, { query: `bytes=${bytes}` }).then(
      (reply) => `good: ${bytesOf(reply)!.length} bytes`,
      (error: unknown) => `BAD: ${(error as DlserveError).code} ${(error as DlserveError).message}`,
    );
  await ask(5);
  await narrow(128 * MB);
  for (const answer of await Promise.all([250 * MB, 8_000_000, 5].map(ask))) console.log(answer);
  await plugin.close(1000);
}

void main();
