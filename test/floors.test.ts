import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import ts from 'typescript';

const src = path.join(__dirname, '../src');

/** The rooms, by floor; rooms of one floor don't meet. */
const FLOORS: readonly (readonly string[])[] = [
  ['ground'],
  ['plugin'],
  ['binary', 'config'],
  ['runtimes', 'toolchain'],
  ['host'],
  ['http'],
  ['api'],
  ['cli'],
];

/** One file of src, by its path from there, and what it imports: files of src likewise, packages by name. */
interface Source {
  readonly file: string;
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

const names = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const sources = names.map(read);

/** import, export from, import(), require() and import types alike. */
function read(file: string): Source {
  const text = readFileSync(path.join(src, file), 'utf8');
  const imported = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  const own = imported.filter((name) => name.startsWith('.'));
  return {
    file,
    files: own.map((name) => resolve(file, name)),
    packages: imported.filter((name) => !name.startsWith('.') && !name.startsWith('node:')),
  };
}

function resolve(from: string, name: string): string {
  const base = path.join(path.dirname(from), name).replace(/\.js$/, '');
  const found = [`${base}.ts`, path.join(base, 'index.ts')].find((candidate) => names.includes(candidate));
  if (found === undefined) throw new Error(`${from} imports ${name}, which is not there`);
  return found;
}

function room(file: string): string {
  return file.split(path.sep)[0]!;
}

function floor(file: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room(file)));
}

function runtime(file: string): string | undefined {
  const [first, second, third] = file.split(path.sep);
  return first === 'runtimes' && third !== undefined ? second : undefined;
}

test('ARCHITECTURE.md shows these floors, and paths that are there', () => {
  const root = path.join(src, '..');
  const page = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (\d+) \| ([^|]*) \|/gm)].reverse();
  expect(rows.map(([, number, rooms]) => [Number(number), rooms!.replaceAll('`', '').split(' ')])).toEqual(FLOORS.map((rooms, i) => [i + 1, rooms]));
  const paths = [...page.matchAll(/(?<![\w/])(?:src|native|docs|test)\/[\w./-]*\w/g)].map(([name]) => name);
  expect(paths.filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
});

test('there is something to hold', () => {
  expect(sources.length).toBeGreaterThan(20);
  expect(sources.flatMap(({ files }) => files).length).toBeGreaterThan(20);
});

test('every file but the entry stands on a floor', () => {
  expect(names.filter((file) => file !== 'index.ts' && floor(file) === -1)).toEqual([]);
});

test('imports only go down, and rooms of one floor do not meet', () => {
  const wrong = sources
    .filter(({ file }) => file !== 'index.ts')
    .flatMap(({ file, files }) =>
      files
        .filter((target) => room(target) !== room(file) && !(floor(target) !== -1 && floor(target) < floor(file)))
        .map((target) => `${file} imports ${target}`),
    );
  expect(wrong).toEqual([]);
});

test('a runtime is known to the table of runtimes alone', () => {
  const wrong = sources.flatMap(({ file, files }) =>
    files
      .filter((target) => runtime(target) !== undefined && runtime(target) !== runtime(file))
      .filter(() => file !== path.join('runtimes', 'registry.ts'))
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test.each([
  ['koffi', path.join('runtimes', 'native')],
  ['express', 'http'],
  ['classic-level', path.join('host', 'services', 'state')],
])('%s is imported in src/%s only', (name, folder) => {
  const users = sources.filter(({ packages }) => packages.includes(name)).map(({ file }) => file);
  expect(users.length).toBeGreaterThan(0);
  expect(users.filter((file) => !file.startsWith(folder + path.sep))).toEqual([]);
});

test("every package that is imported is a dependency, and Node's own modules say node:", () => {
  const { dependencies: needed, optionalDependencies: optional } = JSON.parse(readFileSync(path.join(src, '../package.json'), 'utf8')) as Record<string, object>;
  const dependencies = { ...needed, ...optional };
  const wrong = sources.flatMap(({ file, packages }) =>
    packages
      .filter((name) => builtinModules.includes(name) || !Object.hasOwn(dependencies, name.split('/')[0]!))
      .map((name) => `${file} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('no import leads back to where it came from', () => {
  const imports = new Map(sources.map(({ file, files }) => [file, files]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) {
      cycles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of names) visit(file, []);
  expect(cycles).toEqual([]);
});

test('the entry only re-exports', () => {
  const entry = ts.createSourceFile(
    'index.ts',
    readFileSync(path.join(src, 'index.ts'), 'utf8'),
    ts.ScriptTarget.Latest,
  );
  const other = entry.statements.filter(
    (statement) => !ts.isExportDeclaration(statement) || !statement.moduleSpecifier,
  );
  expect(other.map((statement) => ts.SyntaxKind[statement.kind])).toEqual([]);
  expect(entry.statements.length).toBeGreaterThan(0);
});
