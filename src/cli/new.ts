import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DlserveError, messageOf } from '../ground/errors';
import { packageRoot } from '../ground/package';
import { workingDirectory } from '../ground/working-directory';
import { libraryEndings } from '../binary/endings';
import { checkNames, pathOf } from '../plugin/name';
import { SOURCE_ENDINGS } from '../toolchain/languages';
import { readConfig } from './config';
import type { FlagValues } from './flags';
import type { Language } from './languages';
import { urlOf } from './url';

/** Per language: the example that is the template, and the ending of its source. */
const TEMPLATES = {
  c: { example: 'c-hello', ending: '.c' },
  cpp: { example: 'cpp-hello', ending: '.cpp' },
  go: { example: 'go-prestd', ending: '.go' },
} as const satisfies Record<Language, { example: string; ending: string }>;

export interface NewPlugin {
  /** The {file} of its URLs. */
  readonly name: string;
  readonly language: Language;
  /** Absolute, or relative to `cwd`; the source goes into its folder `src`. */
  readonly pluginpath: string;
  /** What the paths that are printed are relative to. */
  readonly cwd: string;
  /** What starts the server; `npx dlserve` unless given. */
  readonly start?: string;
  /** Where the server will answer; null where it chooses its port at start; http://127.0.0.1:3000 unless given. */
  readonly origin?: string | null;
}

/** `dlserve new`, as the command line has it: what is printed fits the configuration that `dlserve serve` will read. */
export async function runNew(name: string, flags: FlagValues): Promise<string> {
  const cwd = workingDirectory();
  const { pluginpath, http } = await readConfig(flags);
  const given = ['config', 'pluginpath'].flatMap((flag) => (flags[flag] === undefined ? [] : [`--${flag} ${quoted(flags[flag])}`]));
  return createPlugin({
    name,
    language: flags.lang as Language,
    pluginpath,
    cwd,
    start: ['npx dlserve', ...given].join(' '),
    origin: http.port === 0 ? null : urlOf(http.host, http.port),
  });
}

/**
 * Writes the source of a small, working plugin, and never over anything.
 * @returns what to type next, to be printed
 * @throws DlserveError BAD_NAME, NAME_TAKEN or WRITE_FAILED
 */
export async function createPlugin(plugin: NewPlugin): Promise<string> {
  const { name, language, cwd, start = 'npx dlserve', origin = 'http://127.0.0.1:3000' } = plugin;
  checkNewName(name, language);
  const { example, ending } = TEMPLATES[language];
  const pluginpath = path.resolve(cwd, plugin.pluginpath);
  const source = path.join(pluginpath, 'src', name + ending);
  await checkFree(name, pluginpath, cwd);

  const func = funcOf(name);
  const template = await readFile(path.join(packageRoot, 'examples', example, example + ending), 'utf8');
  await write(source, rename(template, example, name, func), path.relative(cwd, source));
  return [
    `wrote ${path.relative(cwd, source)}`,
    '',
    'Start the server, which compiles it:',
    `  ${start}`,
    '',
    `In another terminal${origin === null ? ', with the address that the server prints in place of ADDRESS' : ''}:`,
    `  curl '${origin ?? 'ADDRESS'}${pathOf(name, func)}?name=Ada'`,
    '',
    'It answers:',
    '  {"hello":"Ada"}',
  ].join('\n');
}

function checkNewName(name: string, language: Language): void {
  checkNames(name, 'Hello');
  const refuse = (rule: string): never => {
    throw new DlserveError('BAD_NAME', { what: 'name', value: JSON.stringify(name), rule });
  };
  const ending = [...SOURCE_ENDINGS, '.so', '.dylib'].find((each) => name.endsWith(each));
  if (ending !== undefined) refuse(`leave out the ending, it is added: ${JSON.stringify(name.slice(0, -ending.length))}`);
  if (language === 'go' && name.endsWith('_test')) refuse('Go takes a file called *_test.go for a test');
}

async function checkFree(name: string, pluginpath: string, cwd: string): Promise<void> {
  const sources = ['', ...SOURCE_ENDINGS].map((ending) => path.join(pluginpath, 'src', name + ending));
  const libraries = libraryEndings().map((ending) => path.join(pluginpath, name + ending));
  for (const file of [...sources, ...libraries]) {
    const there = await access(file).then(() => true, () => false);
    if (there) throw new DlserveError('NAME_TAKEN', { name, path: path.relative(cwd, file) });
  }
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `my-plugin.v2` becomes `MyPluginV2`, which is legal in a C symbol; short enough to stay legal with a suffix. */
function funcOf(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('').slice(0, 100) || 'Hello';
}

function rename(template: string, example: string, name: string, func: string): string {
  return template
    .replaceAll(`${example}/Hello`, `${example}/${func}`)
    .replaceAll(/\bGETHello(\w*)Handler\b/g, `GET${func}$1Handler`)
    .replaceAll(example, name);
}

async function write(file: string, text: string, shown: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    throw new DlserveError('WRITE_FAILED', { path: shown, reason: messageOf(error) }, { cause: error });
  }
}
