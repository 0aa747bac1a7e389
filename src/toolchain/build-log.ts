import path from 'node:path';
import { messageOf } from '../ground/errors';
import type { Logger } from '../ground/log';
import { installHint } from './install-hint';
import type { BuildEvent, BuildState } from './event';
import { libraryPath } from './library';
import type { Note } from './passed-over';
import { LimitReached } from './run';
import { MissingTool } from './tools';

/** Writes to the log how builds end. */
export class BuildLog {
  /** Compilers whose installation was explained already. */
  private readonly explained = new Set<string>();

  constructor(
    private readonly log: Logger,
    private readonly onProgress: (event: BuildEvent) => void,
    /** Whether somebody else shows how builds fare. */
    private readonly quiet: boolean,
  ) {}

  notes(pluginpath: string, notes: readonly Note[]): void {
    for (const note of notes) this.log.info(`${path.relative(pluginpath, note.path)} ${note.words}`);
  }

  /** @param names of plugins whose library was built from a source that is gone */
  orphans(pluginpath: string, names: readonly string[]): void {
    for (const name of names) {
      const library = path.basename(libraryPath(pluginpath, name));
      this.log.warn({ plugin: name }, `${library} was built from a source that is gone, and is still served: delete it if it shall go too`);
    }
  }

  /** A library was deleted with its source. */
  removed(pluginpath: string, name: string): void {
    this.log.info({ plugin: name }, `deleted ${path.basename(libraryPath(pluginpath, name))}, since its source is gone`);
  }

  unremovable(pluginpath: string, name: string, error: unknown): void {
    const library = path.basename(libraryPath(pluginpath, name));
    this.log.warn({ plugin: name }, `${library} was built from a source that is gone, and can't be deleted: ${messageOf(error)}`);
  }

  /** One line a missing compiler, for all the plugins that need it. */
  missing(command: string, events: readonly BuildEvent[]): void {
    const list = (state: BuildState): string => events.filter((event) => event.state === state).map(({ name }) => name).join(', ');
    const [failed, unchecked] = [list('failed'), list('unchecked')];
    const consequences = [
      ...(failed === '' ? [] : [`cannot build ${failed}`]),
      ...(unchecked === '' ? [] : [`serving ${unchecked} as it is, although it was not checked against its source`]),
    ];
    const hint = this.explained.has(command) ? '' : ` (${installHint(command)})`;
    this.explained.add(command);
    const line = `${command} is not installed, or not in PATH${hint}: ${consequences.join('; ')}`;
    this.log[failed === '' ? 'warn' : 'error'](line);
  }

  /** @param isAgain whether a server runs that may have served the last build of it */
  event(event: BuildEvent, isAgain = false): void {
    this.onProgress(event);
    const { name, state, ms, output, warnings, error } = event;
    const about = { plugin: name };
    for (const warning of warnings) this.log.warn(about, `${name}: ${warning}`);
    if (state === 'built') this.log[this.quiet ? 'debug' : 'info']({ ...about, ms }, `built ${name}`);
    if (state === 'built' && output !== '') this.log.warn(about, `the compiler warns about ${name}:\n${output.trimEnd()}`);
    if (error === undefined || error.cause instanceof MissingTool) return;
    if (state === 'unchecked') {
      this.log.warn(about, `${name} is served as it is, not checked against its source: ${messageOf(error.cause)}`);
    } else if (output === '') {
      this.log.error(about, error.message);
    } else {
      const what = error.cause instanceof LimitReached ? error.message : `${name} did not compile${isAgain ? '' : ', so no library of that name is served'}:`;
      this.log.error(about, `${what}\n${output.trimEnd()}`);
    }
  }
}
