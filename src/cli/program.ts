import { Command, CommanderError, Help, Option } from 'commander';
import { nearest } from '../ground/nearest';
import { version } from '../ground/package';
import { workingDirectory } from '../ground/working-directory';
import { FLAGS } from '../config/keys';
import type { FlagValues } from './flags';
import { LANGUAGES } from './languages';
import { complain, print } from './print';

/** How the command that was run fared. */
export type Done = (succeeded: boolean) => void;

/** The command line: what there is to type, and which file does it. That is loaded for its command only. */
export function program(done: Done): Command {
  const dlserve = new Command('dlserve');
  dlserve
    .description('Every handler in a compiled library becomes an HTTP endpoint: /_PLUGIN/{file}/{func}')
    .usage('[command] [options]')
    .version(version(), '-v, --version', 'print the version')
    .addOption(new Option('-V').hideHelp())
    .on('option:V', () => {
      print(version());
      throw new CommanderError(0, 'commander.version', version());
    })
    .helpOption('-h, --help', 'print what there is to type')
    .helpCommand('help [command]', 'print what there is to a command')
    .configureHelp({
      subcommandTerm: (command) => new Help().subcommandTerm(command).replace(' [options]', ''),
      optionDescription: ({ description }) => description,
      // The options of the default command need no command.
      visibleOptions: (command) => [...(command === dlserve ? serve.options : []), ...new Help().visibleOptions(command)],
    })
    .configureOutput({ writeOut: (text) => print(text.trimEnd()), writeErr: (text) => complain(text.trimEnd()) })
    .showHelpAfterError('(--help shows what is possible)')
    .exitOverride();

  const serve = withFlags(dlserve.command('serve', { isDefault: true }))
    .description('build the sources in lib/src, and serve every library in lib (the default command)')
    .allowExcessArguments()
    .action(async (flags: FlagValues, { args }: Command) => {
      if (args[0] !== undefined) refuseArgument(dlserve, args[0]);
      await (await import('./serve/serve.js')).serve(flags);
    });

  withFlags(dlserve.command('dev'))
    .description('serve, build what was saved and reload it, and show what compilers say in the answer')
    .action(async (flags: FlagValues) => (await import('./dev/dev.js')).dev(flags));

  withFlags(dlserve.command('build'), ['config', 'pluginpath', 'log.level'])
    .argument('[file...]', 'names or paths of sources in lib/src; without one, all of them')
    .description('compile sources to libraries, and print what the compilers say')
    .action(async (files: string[], flags: FlagValues) => done(await (await import('./build.js')).build(files, flags)));

  withFlags(
    dlserve
      .command('new')
      .argument('<name>', 'what the plugin is called: its file, and the {file} of its URLs')
      .addOption(new Option(`--lang <${LANGUAGES.join('|')}>`, 'the language to write it in').choices(LANGUAGES).makeOptionMandatory()),
    ['config', 'pluginpath'],
  )
    .description('write a small, working plugin source to lib/src')
    .action(async (name: string, flags: FlagValues) => print(await (await import('./new.js')).runNew(name, flags)));

  dlserve
    .command('inspect')
    .argument('<library>', 'a .so or .dylib file')
    .option('--json', 'print JSON')
    .description('say what a library offers and what it lacks, without running any of it')
    .action(async (library: string, { json }: { json?: boolean }) => {
      const { inspect } = await import('./inspect/inspect.js');
      // A library is nearly always named from there.
      workingDirectory();
      print(await inspect(library, json === true));
    });
  return dlserve;
}

/**
 * Refuses a command that there is not, before the options behind it are looked at: they may be those of the one that was meant.
 * @param args what was typed after `dlserve`
 */
export function checkCommand(dlserve: Command, args: readonly string[]): void {
  const command = args[0] === 'help' ? args[1] : args[0];
  if (command !== undefined && !command.startsWith('-') && !namesOf(dlserve).includes(command)) refuseCommand(dlserve, command);
}

function refuseCommand(dlserve: Command, given: string): never {
  const meant = nearest(given, namesOf(dlserve));
  dlserve.error(`error: unknown command '${given}'${meant === undefined ? '' : `: did you mean ${meant}?`}`);
}

/** What stands where a command may stand, behind options or behind `serve`. */
function refuseArgument(dlserve: Command, given: string): never {
  if (dlserve.args[0] !== 'serve') refuseCommand(dlserve, given);
  dlserve.error(`error: serve takes no argument '${given}': the folder of the libraries is given by --pluginpath`);
}

function namesOf(dlserve: Command): string[] {
  return [...dlserve.commands.map((command) => command.name()), 'help'];
}

/** Adds the configuration keys that have a flag. */
function withFlags(command: Command, only?: readonly string[]): Command {
  for (const { path, flag, value, doc, default: given } of FLAGS) {
    if (only === undefined || only.includes(path)) command.option(`--${flag} <${value}>`, `${doc} (default: ${given})`);
  }
  return command;
}
