#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { DlserveError, messageOf } from '../ground/errors';
import { version } from '../ground/package';
import { FLAGS } from '../config/keys';
import type { FlagValues } from './flags';

/** Exit codes: the work is done, it failed, or the command line was wrong. */
const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

function program(): Command {
  const dlserve = new Command('dlserve')
    .description('Every handler in a compiled library becomes an HTTP endpoint: /_PLUGIN/{file}/{func}')
    .version(version())
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride();

  const serve = dlserve
    .command('serve', { isDefault: true })
    .description('build the sources in lib/src, and serve every library in lib (the default command)');
  withFlags(serve.argument('[command]').usage('[options]')).action(async (command: string | undefined, flags: FlagValues) => {
    if (command !== undefined) dlserve.error(`error: unknown command '${command}'`);
    await (await import('./serve/serve.js')).serve(flags);
  });

  const build = dlserve
    .command('build')
    .argument('[file...]', 'names or paths of sources in lib/src; without one, all of them')
    .description('compile sources to libraries, and print what the compilers say');
  withFlags(build, ['config', 'pluginpath', 'log.level']).action(async (files: string[], flags: FlagValues) => {
    process.exitCode = (await (await import('./build.js')).build(files, flags)) ? DONE : FAILED;
  });

  const create = dlserve
    .command('new')
    .argument('<name>', 'what the plugin is called: its file, and the {file} of its URLs')
    .addOption(new Option('--lang <language>', 'the language to write it in').choices(['c', 'cpp', 'go']).makeOptionMandatory())
    .description('write a small, working plugin source to lib/src');
  withFlags(create, ['config', 'pluginpath']).action(async (name: string, flags: FlagValues) => {
    const { runNew } = await import('./new.js');
    console.log(await runNew(name, flags));
  });

  dlserve
    .command('inspect')
    .argument('<library>', 'a .so or .dylib file')
    .option('--json', 'print JSON')
    .description('say what a library offers and what it lacks, without running any of it')
    .action(async (library: string, { json }: { json?: boolean }) => {
      const { inspect } = await import('./inspect/inspect.js');
      console.log(await inspect(library, json === true));
    });
  return dlserve;
}

/** Adds the configuration keys that have a flag. */
function withFlags(command: Command, only?: readonly string[]): Command {
  for (const { path, flag, value, doc } of FLAGS) {
    if (only === undefined || only.includes(path)) command.option(`--${flag} <${value}>`, doc);
  }
  return command;
}

async function main(): Promise<void> {
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? DONE : MISUSED;
      return;
    }
    const line = error instanceof DlserveError ? error.message : error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    console.error(`dlserve: ${line}`);
    process.exitCode = FAILED;
  }
}

void main();
