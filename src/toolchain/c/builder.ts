import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { HEADER, INCLUDE, NO_FLAGS, type Builder, type Flags, type Job } from '../builder';
import { digest } from '../digest';
import { languageOf } from '../languages';
import { LimitReached, run, ToolFailure } from '../run';
import { compiledFiles, type Source } from '../sources';
import { words } from '../shell-words';

/** Everything of a build but the names of files, as the stamp takes it in. */
interface Recipe {
  readonly cc: string;
  readonly cxx: string;
  readonly cflags: readonly string[];
  readonly cxxflags: readonly string[];
  readonly ldflags: readonly string[];
  readonly libs: readonly string[];
}

interface Compiled {
  readonly unit: string;
  readonly object: string;
  readonly inputs: readonly string[];
  readonly output: string;
}

const darwin = process.platform === 'darwin';
/** Unresolved symbols are told by the linker now, not by dlopen later. Apple's linker does so unasked. */
const SHARED = darwin ? ['-dynamiclib'] : ['-shared', '-Wl,--no-undefined'];
/** On macOS threads are in the library that everything has, and clang warns about the flag. */
const THREADS = darwin ? [] : ['-pthread'];

/** C and C++: each file by its own compiler, linked by the C++ compiler where any of them is C++. */
export const cBuilder: Builder = {
  pace: 'quick',

  needs: (source, env) => compilers(source, makeRecipe(NO_FLAGS, env)),

  async plan(source, flags, env) {
    return { recipe: digest([makeRecipe(flags, env), await readFile(HEADER, 'utf8')]), files: source.files };
  },

  async build(job) {
    const { source, tools, work } = job;
    const recipe = makeRecipe(job.flags, job.env);
    const used = await Promise.all(compilers(source, recipe).map((command) => tools.describe(command)));

    const cwd = source.folder ? source.path : path.dirname(source.path);
    const compiled = await all(units(source).map((unit) => work.run(() => compile(job, recipe, cwd, unit))));
    const linker = source.language === 'c++' ? recipe.cxx : recipe.cc;
    const objects = compiled.map(({ object }) => object);
    const args = [...recipe.ldflags, '-o', job.library, ...objects, ...recipe.libs];
    // A linker that finds fault with an object means the source.
    const aliases = new Map(compiled.map(({ object, unit }) => [object, unit]));
    const linked = await work.run(() => run(words(linker), args, { ...job, cwd, aliases }));

    return {
      inputs: compiled.flatMap(({ inputs }) => inputs),
      tools: used,
      output: compiled.map(({ output }) => output).join('') + linked.output,
      warnings: [],
      saysNone: false,
    };
  },
};

function makeRecipe(flags: Flags, env: NodeJS.ProcessEnv): Recipe {
  const always = ['-fPIC', '-O2', '-Wall', ...THREADS, ...words(env.CPPFLAGS)];
  return {
    cc: env.CC ?? 'cc',
    cxx: env.CXX ?? 'c++',
    cflags: [...always, ...words(env.CFLAGS), ...flags.cflags],
    cxxflags: [...always, ...words(env.CXXFLAGS), ...flags.cflags],
    ldflags: [...SHARED, ...THREADS, ...words(env.LDFLAGS)],
    libs: [...flags.ldflags, '-lm'],
  };
}

function units(source: Source): string[] {
  return source.folder ? compiledFiles(source.path, source.files) : [source.path];
}

function compilers(source: Source, recipe: Recipe): string[] {
  const languages = new Set(units(source).map(languageOf));
  return [...(languages.has('c') ? [recipe.cc] : []), ...(languages.has('c++') ? [recipe.cxx] : [])];
}

async function compile(job: Job, recipe: Recipe, cwd: string, unit: string): Promise<Compiled> {
  const place = path.join(job.workplace, path.basename(unit));
  const [object, rule] = [`${place}.o`, `${place}.d`];
  const [compiler, flags] = languageOf(unit) === 'c++' ? [recipe.cxx, recipe.cxxflags] : [recipe.cc, recipe.cflags];
  const args = [`-I${INCLUDE}`, ...flags, '-MMD', '-MF', rule, '-MT', 'object', '-c', '-o', object, path.relative(cwd, unit)];
  const { output } = await run(words(compiler), args, { ...job, cwd });
  const inputs = prerequisites(await readFile(rule, 'utf8')).map((file) => path.resolve(cwd, file));
  // Where dlserve.h is depends on where dlserve is; its content is part of the plan.
  return { unit, object, output, inputs: inputs.filter((file) => file !== HEADER) };
}

/** What stands behind the colon of a make rule, as `-MMD` writes it: the file itself and all headers but the system's. */
function prerequisites(rule: string): string[] {
  const joined = rule.replace(/\\\r?\n/g, ' ');
  const files = joined.slice(joined.indexOf(':') + 1);
  return (files.match(/(?:\\.|[^\s\\])+/g) ?? []).map((file) => file.replace(/\\(.)/g, '$1').replaceAll('$$', '$'));
}

/** Waits for all before it throws: each file's errors are told, and nothing writes to the workplace any more. */
async function all<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(tasks);
  const reasons: unknown[] = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown);
  const failures = reasons.filter((reason) => reason instanceof ToolFailure);
  const worst = failures.find((failure) => failure instanceof LimitReached) ?? failures[0];
  if (failures.length > 1) {
    const Kind = worst instanceof LimitReached ? LimitReached : ToolFailure;
    throw new Kind(worst!.message, failures.map(({ output }) => output).join(''), worst);
  }
  return Promise.all(tasks);
}
