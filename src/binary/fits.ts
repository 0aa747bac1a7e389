import type { Binary, Libc } from './binary';
import { archMachine } from './machine';
import type { System } from './system';

/**
 * Whether a library can be loaded on a system.
 * @returns undefined if it can, else the sentence why not, which names both sides and the mend
 */
export function misfitOf(binary: Binary, system: System): string | undefined {
  return machineMisfit(binary, system) ?? libcMisfit(binary, system);
}

/** The same of the machine alone, by which loaders pass over a library when they look for one. */
export function machineMisfit(binary: Binary, { platform, arch }: System): string | undefined {
  const host = archMachine(arch);
  const wanted = platform === 'darwin' ? 'mach-o' : 'elf';
  if (binary.format === wanted && binary.machine === host) return undefined;
  const built = `${binary.machine} ${binary.format === 'elf' ? 'ELF (Linux)' : 'Mach-O (macOS)'}`;
  return `it was built for ${built}, this host is ${host} ${platform}: build it for this machine`;
}

const WORDS: Readonly<Record<Libc, string>> = {
  glibc: 'glibc (most Linux distributions)',
  musl: 'musl (Alpine Linux)',
  bionic: 'bionic (Android)',
  libSystem: 'libSystem (macOS)',
};

/** Two C libraries in one process don't go together. One that needs none fits everywhere. */
function libcMisfit(binary: Binary, { libc }: System): string | undefined {
  if (binary.libc === undefined || libc === undefined || binary.libc === libc) return undefined;
  // Android's has the same name, libc.so; a note tells them apart, which may have been stripped.
  if (binary.libc === 'musl' && libc === 'bionic') return undefined;
  return `it was linked with ${WORDS[binary.libc]}, this host has ${WORDS[libc]}: build it on this host, or on one like it`;
}

/**
 * Whether a library needs a newer glibc than there is.
 * @param version of the host's glibc
 * @returns undefined if not, else the sentence that says so
 */
export function glibcMisfit({ glibc }: Binary, version: string | undefined): string | undefined {
  if (glibc === undefined || version === undefined || order(glibc) <= order(version)) return undefined;
  return `it needs glibc ${glibc} or later, this host has ${version}: build it on this host, or on one with an older glibc`;
}

/** Of versions such as 2.9 and 2.36. */
function order(version: string): number {
  const [major, minor] = version.split('.').map(Number);
  return major! * 1000 + (minor ?? 0);
}
