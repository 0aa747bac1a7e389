import type { Binary } from './binary';
import { archMachine } from './machine';

/**
 * Whether this host can load a library.
 * @param platform as in process.platform
 * @param arch as in process.arch
 * @returns undefined if it fits, else the sentence why not, which names both machines
 */
export function misfitOf(binary: Binary, platform: NodeJS.Platform = process.platform, arch: string = process.arch): string | undefined {
  const host = archMachine(arch);
  const wanted = platform === 'darwin' ? 'mach-o' : 'elf';
  if (binary.format === wanted && binary.machine === host) return undefined;
  const built = `${binary.machine} ${binary.format === 'elf' ? 'ELF (Linux)' : 'Mach-O (macOS)'}`;
  return `it was built for ${built}, this host is ${host} ${platform}: build it for this machine`;
}
