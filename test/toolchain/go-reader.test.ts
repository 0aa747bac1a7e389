import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { copyGo, pluginpath, removeFolders, write } from './support';

afterAll(removeFolders);

const WRAP = path.resolve(__dirname, '../../native/go/wrap');

/** The files that the wrapper adds to a package of one file. */
function added(source: string): Record<string, string> {
  const folder = pluginpath({ 'src/main.go': source });
  const input = JSON.stringify({ methods: ['GET'], files: [path.join(folder, 'src/main.go')], inputs: '' });
  const { status, stdout, stderr } = spawnSync('go', ['run', '.'], { cwd: WRAP, input, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return (JSON.parse(stdout) as { files: Record<string, string> }).files;
}

test('the generated reader finds in a request what encoding/json finds in it, and never reads past its end', () => {
  const reader = added('package main\n\nfunc GETXHandler() string { return "" }\n')['dlserve_reader.go']!;
  const folder = pluginpath();
  copyGo(folder, 'reader');
  write(folder, 'src/reader/go.mod', 'module reader\n\ngo 1.18\n');
  write(folder, 'src/reader/reader.go', reader);
  const { status, stdout, stderr } = spawnSync('go', ['test', '-count=1', '-v', '.'], { cwd: path.join(folder, 'src/reader'), encoding: 'utf8' });
  expect([status, stdout, stderr]).toEqual([0, expect.stringMatching(/^--- PASS: TestCut/m), '']);
});
