import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { isHeader } from '../languages';
import { go, type GoJob } from './command';

/** A package as `go list -json` describes it, and of that what is asked for. */
interface ListedPackage {
  /** Absent where the package was not found. */
  readonly Dir?: string;
  readonly DepOnly?: boolean;
  readonly Standard?: boolean;
  readonly Module?: { readonly GoMod?: string };
  readonly GoFiles?: readonly string[];
  readonly CgoFiles?: readonly string[];
  readonly CFiles?: readonly string[];
  readonly CXXFiles?: readonly string[];
  readonly MFiles?: readonly string[];
  readonly FFiles?: readonly string[];
  readonly SFiles?: readonly string[];
  readonly SwigFiles?: readonly string[];
  readonly SwigCXXFiles?: readonly string[];
  readonly SysoFiles?: readonly string[];
  readonly HFiles?: readonly string[];
  readonly EmbedFiles?: readonly string[];
}

const GO_FILES = ['GoFiles', 'CgoFiles'] as const;
/** Those of other languages, whose symbols become a part of the library too. */
const NATIVE_FILES = ['CFiles', 'CXXFiles', 'MFiles', 'FFiles', 'SFiles', 'SwigFiles', 'SwigCXXFiles', 'SysoFiles'] as const;
const ALL_FILES = [...GO_FILES, ...NATIVE_FILES, 'HFiles', 'EmbedFiles'] as const;

/** What a Go package is made of: absolute paths. */
export interface Listed {
  /** Its own Go files, those for this platform. */
  readonly files: readonly string[];
  /** The Go files of all packages that it imports, the standard library's left out. */
  readonly dependencies: readonly string[];
  /** Its files in C and other languages. */
  readonly native: readonly string[];
  /** Those of the packages that it imports, and their Go files that may hold C. */
  readonly nativeDependencies: readonly string[];
  /**
   * Every file that a person may change: its own, and those of packages outside the module cache. And the folders of these
   * packages, where a person may add one.
   */
  readonly inputs: readonly string[];
}

/**
 * Lets go itself say which files a package has: by build tags, platform, workspace and vendoring. A package that is broken
 * is listed as far as it goes; building it will tell what is wrong.
 */
export async function listPackage(job: GoJob): Promise<Listed> {
  const fields = ['Dir', 'DepOnly', 'Standard', 'Module', ...ALL_FILES].join(',');
  const { stdout } = await go(job, ['list', '-e', '-deps', `-json=${fields}`]);
  const packages = parseStream(stdout).filter(isTheirs);
  const own = packages.filter(({ DepOnly }) => DepOnly !== true);
  const imported = packages.filter(({ DepOnly }) => DepOnly === true);
  const local = packages.filter(({ Dir }) => !Dir.startsWith(job.settings.GOMODCACHE + path.sep));
  const modules = local.flatMap(({ Module }) => (Module?.GoMod === undefined ? [] : [Module.GoMod]));
  // A file by itself may include headers beside it, of which go list knows only in a folder.
  const beside = !job.source.folder && own.some(({ CgoFiles = [] }) => CgoFiles.length > 0) ? await headers(job.folder) : [];
  const lent = new Set(Object.entries(job.overlay).flat());
  return {
    // Go may know the one file by another name.
    files: job.source.folder ? own.flatMap((entry) => filesOf(entry, GO_FILES)) : [job.source.path],
    dependencies: imported.flatMap((entry) => filesOf(entry, GO_FILES)),
    native: own.flatMap((entry) => filesOf(entry, NATIVE_FILES)),
    nativeDependencies: imported.flatMap((entry) => filesOf(entry, ['CgoFiles', ...NATIVE_FILES])),
    inputs: [...local.flatMap((entry) => [...filesOf(entry, ALL_FILES), ...foldersOf(entry)]), ...modules, ...beside].filter(
      (place) => !lent.has(place),
    ),
  };
}

type Their = ListedPackage & { readonly Dir: string };

function isTheirs(entry: ListedPackage): entry is Their {
  return entry.Standard !== true && entry.Dir !== undefined;
}

function filesOf(entry: Their, kinds: readonly (typeof ALL_FILES)[number][]): string[] {
  return kinds.flatMap((kind) => entry[kind] ?? []).map((file) => path.resolve(entry.Dir, file));
}

/** Where a file that is added becomes a part of a package: in its folder, and in those that it embeds. */
function foldersOf(entry: Their): string[] {
  const folders = new Set<string>();
  for (const file of filesOf(entry, ['EmbedFiles'])) {
    for (let folder = path.dirname(file); folder !== entry.Dir; folder = path.dirname(folder)) folders.add(folder);
  }
  // Of its own folder all files are known beforehand; beside a file by itself there are other plugins.
  return entry.DepOnly === true ? [entry.Dir, ...folders] : [...folders];
}

async function headers(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter(isHeader).map((name) => path.join(folder, name));
}

/** `go list -json` writes one object after the other, each closed by a brace in the first column. */
function parseStream(text: string): ListedPackage[] {
  return text
    .split(/^}\n/m)
    .slice(0, -1)
    .map((object) => JSON.parse(`${object}}`) as ListedPackage);
}
