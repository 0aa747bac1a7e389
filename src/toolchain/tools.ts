import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { run, type Limits } from './run';
import { words } from './shell-words';

/** A compiler as a stamp remembers it. */
export interface Tool {
  /** The words it is started by, as CC or CXX may hold them. */
  readonly command: string;
  /** Absolute path of its program, links resolved. */
  readonly path: string;
  /** Bytes and modification time of the program: as long as they stay, it is not asked for its version again. */
  readonly size: number;
  readonly mtimeMs: number;
  /** All that it says about its version. */
  readonly version: string;
}

/** A compiler that is not there. */
export class MissingTool extends Error {
  override readonly name = 'MissingTool';

  /** Its program, without arguments. */
  readonly command: string;

  constructor(command: string) {
    const program = words(command)[0] ?? command;
    super(`${program} is not installed, or not in PATH`);
    this.command = program;
  }
}

type Program = Omit<Tool, 'version'>;

/** The compilers that can be reached through an environment's PATH. */
export class Tools {
  private readonly versions = new Map<string, Promise<string>>();

  constructor(
    private readonly env: NodeJS.ProcessEnv,
    private readonly signal: AbortSignal,
    private readonly limits: Limits,
  ) {}

  /** Looks a compiler up without starting it; undefined where it is missing. */
  find(command: string): Program | undefined {
    const file = this.which(words(command)[0] ?? '');
    if (file === undefined) return undefined;
    const { size, mtimeMs } = statSync(file);
    return { command, path: realpathSync(file), size, mtimeMs };
  }

  /**
   * Looks a compiler up and asks it for its version, once for each that it is.
   * @throws MissingTool, or ToolFailure when it cannot say its version
   */
  async describe(command: string): Promise<Tool> {
    const program = this.find(command);
    if (program === undefined) throw new MissingTool(command);
    // A compiler that is updated while a server runs is another one.
    const { path: file, size, mtimeMs } = program;
    const key = `${command}\0${file}\0${size}\0${mtimeMs}`;
    let version = this.versions.get(key);
    if (version === undefined) {
      const question = path.basename(program.path) === 'go' ? 'version' : '--version';
      const options = { cwd: path.parse(process.execPath).root, env: this.env, signal: this.signal, limits: this.limits };
      version = run(words(command), [question], options).then(({ output }) => output.trim());
      this.versions.set(key, version);
      version.catch(() => this.versions.delete(key));
    }
    return { ...program, version: await version };
  }

  /**
   * Whether a compiler is the one that a stamp remembers. One that is missing counts as such: what was built with it stays
   * as good as it was.
   * @returns the compiler as it is now; undefined where it is another version
   */
  async recognise(tool: Tool): Promise<Tool | undefined> {
    const program = this.find(tool.command);
    if (program === undefined) return tool;
    if (program.path === tool.path && program.size === tool.size && program.mtimeMs === tool.mtimeMs) return tool;
    const now = await this.describe(tool.command);
    return now.version === tool.version ? now : undefined;
  }

  private which(program: string): string | undefined {
    if (program === '') return undefined;
    const inPath = (): string[] => (this.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
    const folders = program.includes(path.sep) ? [''] : inPath();
    for (const folder of folders) {
      const file = path.resolve(folder, program);
      try {
        accessSync(file, constants.X_OK);
        if (statSync(file).isFile()) return file;
      } catch {
        // Not here.
      }
    }
    return undefined;
  }
}
