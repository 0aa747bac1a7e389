import type { Logger } from '../../ground/log';
import type { DlserveError } from '../../ground/errors';
import { standardOutput } from '../../ground/outlet';
import { version } from '../../ground/package';
import type { Builds } from '../../host/builds';
import { listPlugin, listPlugins, type Listed } from '../../host/listing';
import type { BuildEvent } from '../../toolchain/toolchain';
import { Block, canRedraw } from './block';
import { endpointLines } from './endpoint-lines';
import { Progress } from './progress';

/** More lines than this are counted, not printed. */
const MOST = 40;

/** What a server prints: where it listens, what is built, and what each plugin answers as soon as it can. */
export class ServerOutput {
  readonly #progress: Progress;
  /** What was printed of each plugin. */
  readonly #printed = new Map<string, string>();
  /** Whether something is said of what comes on, that is on a terminal. */
  readonly #isLive: boolean;
  #url: string | undefined;
  #builds: Builds | undefined;
  #lines = 0;
  #isFull = false;
  #left = 0;
  /** One after the other, in the order in which they became ready. */
  #printing: Promise<unknown> = Promise.resolve();

  /** @param log of the server, once there is one */
  constructor(
    private readonly pluginpath: string,
    log: () => Logger,
    block = canRedraw() ? new Block() : undefined,
  ) {
    this.#isLive = block !== undefined;
    this.#progress = new Progress(log, block, () => this.#underway());
  }

  /** Whether it shows how builds fare, so that the log need not. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Takes in how a build fares. */
  build(event: BuildEvent): void {
    this.#progress.build(event);
    if (event.state !== 'building' && this.#url !== undefined) void this.plugin(event.name, event);
  }

  /**
   * The server is up. Resolves when all is said of the plugins that are there.
   * @param url without a slash at its end
   */
  async listening(url: string, builds: Builds): Promise<void> {
    this.#url = url;
    this.#builds = builds;
    standardOutput.write(`dlserve ${version()} listens on ${url}\n`);
    this.#progress.draw();
    const names = (await listPlugins(this.pluginpath)).map(({ name }) => name);
    // Nothing stands between these and their requests. The others come when they are built.
    await Promise.all(names.filter((name) => isReady(builds, name)).map((name) => this.plugin(name)));
    await builds.finished;
    const [failed, listed] = [builds.unfinished(), await listPlugins(this.pluginpath)];
    for (const name of [...new Set([...listed.map((each) => each.name), ...failed.keys()])].sort()) await this.plugin(name);
    if (this.#printed.size === 0) standardOutput.write(`\nNo plugins in ${this.pluginpath} yet. Write one: dlserve new hello --lang c\n`);
    if (this.#left > 0) standardOutput.write(`  ... and ${this.#left} more\n`);
    this.#isFull = false;
    this.#lines = -Infinity;
  }

  /**
   * Prints what a plugin answers, unless that was printed.
   * @param event how its build has ended, if it was built just now
   */
  plugin(name: string, event?: BuildEvent): Promise<unknown> {
    this.#printing = this.#printing.then(async () => {
      const error = this.#builds?.unfinished().get(name);
      this.#print(name, error === undefined ? await listPlugin(this.pluginpath, name) : unbuilt(name, error), event);
    });
    return this.#printing;
  }

  /** A line about a plugin. */
  say(line: string): void {
    standardOutput.write(`${line}\n`);
  }

  /** A plugin is gone. */
  forget(name: string): void {
    this.#printed.delete(name);
  }

  end(): void {
    this.#progress.end();
  }

  #print(name: string, listed: Listed, event: BuildEvent | undefined): void {
    const lines = endpointLines(listed, this.#url!);
    const text = lines.join('\n');
    if (this.#printed.get(name) === text) return;
    const isFirst = this.#printed.size === 0;
    this.#printed.set(name, text);
    if (this.#isFull || this.#lines + lines.length > MOST) {
      this.#isFull = true;
      this.#left += lines.length;
      return;
    }
    this.#lines += lines.length;
    if (isFirst) standardOutput.write('\n');
    if (this.#isLive && event?.state === 'built') standardOutput.write(`  # ${name}: built in ${(event.ms / 1000).toFixed(1)} s\n`);
    standardOutput.write(`${text}\n`);
  }

  #underway(): string[] {
    return Array.from(this.#builds?.unfinished() ?? []).flatMap(([name, error]) => (error === undefined ? [name] : []));
  }
}

/** Whether no build stands between a plugin and its requests. How one that does ends is told when it has. */
function isReady(builds: Builds, name: string): boolean {
  const wait = builds.wait(name);
  wait?.catch(() => undefined);
  return wait === undefined;
}

function unbuilt(name: string, error: DlserveError): Listed {
  return { name, kind: 'library', endpoints: [], declaresRoutes: false, error };
}
