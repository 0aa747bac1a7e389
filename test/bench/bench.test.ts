import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { scratch } from '../support/server';

const run = promisify(execFile);
const script = path.resolve(__dirname, '../../bench/run.js');

interface Row {
  readonly id: string;
  readonly values?: object;
  readonly cells?: readonly string[];
  readonly skipped?: string;
}

interface Outcome {
  readonly sections: readonly { readonly id: string; readonly columns: readonly string[]; readonly rows: readonly Row[] }[];
  readonly goals: readonly { readonly text: string; readonly measured: string }[];
}

const REFERENCES = ['node-http', 'express-send'];
const DLSERVE = ['inline-fast', 'thread-fast', 'process-fast', 'inline-express', 'thread-express', 'process-express'];
const SOME = [...REFERENCES, ...DLSERVE];

const ROWS: Record<string, readonly string[]> = {
  'http/get-c64': ['node-http', 'express-send', 'express-end', 'koffi-sync', 'koffi-async', ...DLSERVE],
  'http/get-c1': SOME,
  'http/get-c1000': SOME,
  'http/get-64kb': SOME,
  'http/get-1mb': SOME,
  'http/post-1kb': SOME,
  'http/post-1mb': SOME,
  'http/raw-64kb': SOME,
  'http/raw-1mb': SOME,
  'http/go-c64': SOME,
  beside: ['thread-fast-c64', 'thread-fast-c1', 'process-fast-c64', 'process-fast-c1', 'koffi-async-c64', 'koffi-async-c1'],
  call: ['inline', 'inline-koffi', 'thread', 'thread-koffi', 'process', 'roundtrip'],
  program: ['napi', 'koffi-sync', 'koffi-async', 'worker', 'host-inline', 'host-thread', 'host-process'],
  start: [...REFERENCES, 'inline-fast', 'thread-fast', 'process-fast'],
  memory: [...REFERENCES, 'inline-fast', 'thread-fast', 'process-fast'],
  many: ['process'],
  instructions: ['get', 'get-1mb', 'post-1kb', 'post-1kb-json', 'post-1mb'],
};

/** A machine may lack what these need, and the bench then says so. */
const MAY_BE_SKIPPED = ['http/go-c64', 'instructions'];

test('the bench measures every row, and judges every goal by them', async () => {
  const folder = scratch();
  const json = path.join(folder, 'outcome.json');
  const page = path.join(folder, 'benchmarks.md');
  copyFileSync(path.resolve(__dirname, '../../docs/benchmarks.md'), page);
  const { stdout } = await run(process.execPath, [script, '--probe', '--json', json, '--write', folder], { timeout: 240_000 });
  const { sections, goals } = JSON.parse(readFileSync(json, 'utf8')) as Outcome;

  expect(Object.fromEntries(sections.map(({ id, rows }) => [id, rows.map((row) => row.id)]))).toEqual(ROWS);
  for (const { id, columns, rows } of sections) {
    for (const row of rows) {
      if (MAY_BE_SKIPPED.includes(id) && row.skipped !== undefined) continue;
      expect({ ...row, section: id }).not.toHaveProperty('skipped');
      expect(row.cells).toHaveLength(columns.length - 1);
    }
  }
  expect(goals.filter(({ measured }) => measured === '–')).toEqual([]);
  expect(readFileSync(page, 'utf8')).toContain(goals[0]!.measured);
  expect(readdirSync(folder).filter((file) => file.endsWith('.svg')).sort()).toEqual(['bench-beside.svg', 'bench-calls.svg', 'bench-http.svg']);
  expect(stdout).toContain('listening after the start of the process');
}, 300_000);

test('what it does not know ends it with its usage', async () => {
  await expect(run(process.execPath, [script, '--fast'])).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--quick') as string });
});
