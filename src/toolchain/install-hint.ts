import { existsSync, readFileSync } from 'node:fs';

type Need = 'c' | 'go';

const LINUX: Readonly<Record<string, Record<Need, string>>> = {
  debian: { c: 'apt install build-essential', go: 'apt install golang-go' },
  fedora: { c: 'dnf install gcc gcc-c++', go: 'dnf install golang' },
  rhel: { c: 'dnf install gcc gcc-c++', go: 'dnf install golang' },
  suse: { c: 'zypper install gcc gcc-c++', go: 'zypper install go' },
  arch: { c: 'pacman -S base-devel', go: 'pacman -S go' },
  alpine: { c: 'apk add build-base', go: 'apk add go' },
};

/** Where Go's own installer puts it, which is in nobody's PATH until they say so. */
const GO_FOLDER = '/usr/local/go/bin';

/**
 * What to type on this machine in order to have a compiler.
 * @param command the compiler that is missing
 */
export function installHint(command: string): string {
  const need: Need = command === 'go' ? 'go' : 'c';
  if (need === 'go' && existsSync(`${GO_FOLDER}/go`)) return `it is in ${GO_FOLDER}: add that folder to PATH`;
  const packaged = process.platform === 'darwin' ? darwin(need) : linux(need);
  const download = need === 'go' ? 'get it from https://go.dev/dl/' : 'install a C and C++ compiler';
  return packaged === undefined ? download : `${need === 'go' ? `${download}, or run` : 'run'}: ${packaged}`;
}

function darwin(need: Need): string {
  return need === 'go' ? 'brew install go' : 'xcode-select --install';
}

/** By the distribution's name and those of its ancestors, as os-release(5) has them. */
function linux(need: Need): string | undefined {
  let release: string;
  try {
    release = readFileSync('/etc/os-release', 'utf8');
  } catch {
    return undefined;
  }
  const value = (key: string): string => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1] ?? '';
  for (const id of `${value('ID')} ${value('ID_LIKE')}`.split(' ')) {
    const packages = LINUX[id];
    if (packages !== undefined) return packages[need];
  }
  return undefined;
}
