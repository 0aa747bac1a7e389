import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { METHODS } from '../../src/plugin/name';
import { build, call, copyGo, library, pluginpath, removeFolders, type Line } from './support';

// Handlers in plain Go, beside which others are exported by //export or written in C: who releases what they return?

const PLAIN = 'func GETPlainHandler() string { return "plain" }\n';
const EXPORTED = '//export GETExportedHandler\nfunc GETExportedHandler() *C.char { return C.CString("exported") }\n';
const LITERAL = 'const char *GETLiteralHandler(void) { return "literal"; }\n';
const sources = {
  'src/exports/main.go': `package main\n\n// #include <stdlib.h>\n// #include "dlserve.h"\nimport "C"\n\n${PLAIN}\n${EXPORTED}`,
  'src/three/main.go': `package main\n\n// #include <stdlib.h>\nimport "C"\n\n${PLAIN}\n${EXPORTED}`,
  'src/three/literal.c': LITERAL,
  'src/owns/main.go': `package main\n\nimport "C"\n\n${PLAIN}\n${EXPORTED}`,
  'src/owns/owns.c': '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nstatic int released;\n' +
    'void PluginFree(void *given) { released++; free(given); }\n' +
    'char *GETReleasedHandler(void) { char text[16]; snprintf(text, sizeof text, "%d", released); return strdup(text); }\n',
  'src/imports/main.go': `package main\n\nimport _ "example.test/imports/deep"\n\n${PLAIN}`,
  'src/imports/go.mod': 'module example.test/imports\n\ngo 1.18\n',
  'src/imports/deep/deep.go': 'package deep\n\nimport "C"\n',
  'src/imports/deep/literal.c': LITERAL,
};

const built = { folder: '', states: {}, lines: [] as Line[] };

beforeAll(async () => {
  built.folder = pluginpath(sources);
  copyGo(built.folder, 'beside-c');
  const { states, lines } = await build(built.folder);
  Object.assign(built, { states, lines });
}, 180_000);
afterAll(removeFolders);

const bodies = (name: string, ...funcs: string[]): string[] => {
  const symbols = funcs.map((func) => `GET${func}Handler`);
  return Object.values(call(library(built.folder, name), ...symbols).answers).map(({ body }) => body);
};
const warnings = (name: string): string[] =>
  built.lines.filter(({ level, plugin }) => level === 40 && plugin === name).map(({ msg }) => msg);

test('all of it compiles', () => {
  expect(built.states).toEqual({ 'beside-c': 'built', exports: 'built', three: 'built', owns: 'built', imports: 'built' });
});

test('what C returns is left to C, in files and in the preamble', () => {
  expect(bodies('beside-c', 'Literal', 'Preamble')).toEqual(['of C', 'of the preamble']);
  expect(warnings('beside-c')).toEqual([]);
});

test('what Go returns beside it is released', () => {
  const [library_, many] = [library(built.folder, 'beside-c'), 100];
  const few = call(library_, 'GETLargeHandler', 'GETBytesHandler', 'GETPeakHandler').answers.GETPeakHandler!.body;
  const large = Array.from({ length: many }, () => ['GETLargeHandler', 'GETBytesHandler']).flat();
  const peak = call(library_, ...large, 'GETPeakHandler').answers.GETPeakHandler!.body;
  expect(Number(peak) - Number(few)).toBeLessThan(many);
});

test('exported handlers without any C are released by C.free, and their author learns so', () => {
  expect(bodies('exports', 'Plain', 'Exported')).toEqual(['plain', 'exported']);
  expect(warnings('exports')).toEqual([expect.stringMatching(/^exports: it exports handlers of its own and no PluginFree: .* C\.free, /)]);
});

test('exported handlers beside C are kept, since nobody can tell them from literals, and their author learns so', () => {
  expect(bodies('three', 'Plain', 'Exported', 'Literal')).toEqual(['plain', 'exported', 'literal']);
  expect(warnings('three')).toEqual([
    expect.stringMatching(/^three: it has C code, exports handlers of its own, and has no PluginFree: .* never released/),
  ]);
});

test('a PluginFree in C gets everything', () => {
  expect(bodies('owns', 'Plain', 'Exported', 'Released', 'Plain', 'Released').slice(0, 3)).toEqual(['plain', 'exported', '4']);
  expect(warnings('owns')).toEqual([]);
});

test('handlers in C may come with a package that is imported', () => {
  expect(bodies('imports', 'Plain', 'Literal')).toEqual(['plain', 'literal']);
});

test('a package without C gets the plain PluginFree', () => {
  const wrap = path.resolve(__dirname, '../../native/go/wrap');
  const files = [path.resolve(__dirname, '../fixtures/go/plain.go')];
  const input = JSON.stringify({ methods: METHODS, files, dependencies: [], native: [], nativeDependencies: [], inputs: '' });
  const { stdout } = spawnSync('go', ['run', '.'], { cwd: wrap, input, encoding: 'utf8' });
  const answer = JSON.parse(stdout) as { files: Record<string, string> };
  const symbols = answer.files['dlserve_symbols.go']!;
  expect(symbols).toContain('void PluginFree(void *given) {\n\tfree(given);\n}');
  expect(symbols).not.toContain('pthread');
});
