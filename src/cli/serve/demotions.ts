import { messageOf } from '../../ground/errors';
import type { Logger } from '../../ground/log';
import type { Config } from '../../config/load';
import { findFile } from '../../host/find';
import { ENDINGS, RUNTIMES, type Running } from '../../runtimes/registry';
import type { Demotion } from './ipc';

interface Entry {
  readonly reason: string;
  /** Of the file that did it; undefined where there is none. */
  readonly fingerprint: string | undefined;
}

/** The plugins that crashed a server process or held it up, and run in mode "process" for that until their files change. */
export class Demotions {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly config: Config) {}

  /** Those that hold: what stands in a file that has changed since may be mended. */
  async held(): Promise<Demotion[]> {
    for (const [name, { fingerprint }] of this.#entries) {
      if ((await this.#fingerprint(name)) !== fingerprint) this.#entries.delete(name);
    }
    return Array.from(this.#entries, ([name, entry]) => ({ name, ...entry }));
  }

  /**
   * Demotes the plugins that were running when a server process ended, as far as they may be.
   * @param deed what was done to the server by one of them: "crashed the server"
   * @param how in a word
   * @param log told where they can't be
   * @returns those, and whether that is new of one of them
   */
  async accuse(running: readonly Running[], deed: string, how: string, log: Logger): Promise<{ demoted: Demotion[]; isNew: boolean }> {
    const suspects = [...new Set(running.map(({ plugin }) => plugin))];
    const names = suspects.filter((name) => this.#mayBe(name));
    if (names.length === 0 || !canBe(names, log)) return { demoted: [], isNew: false };
    const demoted: Demotion[] = [];
    let isNew = false;
    for (const name of names) {
      const demotion = { name, reason: accusation(name, running, deed, how), fingerprint: await this.#fingerprint(name) };
      isNew = this.add(demotion) || isNew;
      demoted.push(demotion);
    }
    return { demoted, isNew };
  }

  /** @returns whether that is new of that file */
  add({ name, reason, fingerprint }: Demotion): boolean {
    const known = this.#entries.get(name);
    this.#entries.set(name, { reason, fingerprint });
    return known === undefined || known.fingerprint !== fingerprint;
  }

  #mayBe(name: string): boolean {
    const { mode, demote } = this.config.settings(name);
    return demote && mode !== 'process';
  }

  #fingerprint(name: string): Promise<string | undefined> {
    return findFile(this.config.pluginpath, name, ENDINGS).then(
      ({ fingerprint }) => fingerprint,
      () => undefined,
    );
  }
}

/** Whether there is a mode "process". */
function canBe(names: readonly string[], log: Logger): boolean {
  try {
    RUNTIMES.find(({ mode }) => mode === 'process')!.check();
    return true;
  } catch (error) {
    log.error({ plugins: names }, `${names.join(' and ')} can't be moved out of the server: ${messageOf(error)}`);
    return false;
  }
}

/** One that ran alone did it; of several it was one. */
function accusation(name: string, running: readonly Running[], deed: string, how: string): string {
  const symbols = (plugin: string): string => [...new Set(running.filter((each) => each.plugin === plugin).map(({ symbol }) => symbol))].join(' or ');
  const others = [...new Set(running.map(({ plugin }) => plugin))].filter((plugin) => plugin !== name);
  if (others.length === 0) return `it ${deed} in ${symbols(name)} (${how})`;
  const rest = others.map((other) => `${symbols(other)} of ${other}`).join(' or ');
  return `it ${deed} in ${symbols(name)}, or another did in ${rest} (${how})`;
}
