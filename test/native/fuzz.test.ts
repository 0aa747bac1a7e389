import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const fuzz = path.join(__dirname, 'fuzz');
const [frames, area] = ['frames.c', 'area.c'].map((file) => path.resolve(__dirname, '../../native/runner', file)) as [string, string];
const RUNS = 100_000;

let scratch: string;
beforeAll(() => (scratch = mkdtempSync(path.join(tmpdir(), 'dlserve-fuzz-'))));
afterAll(() => rmSync(scratch, { recursive: true }));

// fuzz/run.sh does the same with libFuzzer, which needs clang, for as long as one likes.
it('the frame reader survives its corpus and mutations of it, under AddressSanitizer and UBSan', () => {
  const driver = path.join(scratch, 'driver');
  const sources = [path.join(fuzz, 'driver.c'), path.join(fuzz, 'frames_fuzz.c'), frames, area];
  execFileSync('cc', ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-o', driver, ...sources]);
  const corpus = readdirSync(path.join(fuzz, 'corpus')).map((name) => path.join(fuzz, 'corpus', name));
  const seed = Date.now() % 1_000_000;
  const env = { ...process.env, ASAN_OPTIONS: 'allocator_may_return_null=1:max_allocation_size_mb=256' };
  // A failure prints the command that repeats it, seed included.
  const output = execFileSync(driver, [String(RUNS), String(seed), ...corpus], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  expect(output).toBe(`${corpus.length} files, ${RUNS} mutations\n`);
});
