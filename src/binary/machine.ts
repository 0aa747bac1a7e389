/** process.arch to the name that is used for machines here. */
const BY_ARCH: Readonly<Record<string, string>> = {
  x64: 'x86-64',
  ia32: 'x86',
  arm64: 'aarch64',
  ppc64: 'ppc64le',
  mips: 'mips',
  mipsel: 'mipsel',
};

/** The machine of a Node.js architecture, in the names of {@link elfMachine} and {@link machOMachine}. */
export function archMachine(arch: string): string {
  return BY_ARCH[arch] ?? arch;
}

/** e_machine, https://www.sco.com/developers/gabi/latest/ch4.eheader.html; [32-bit little, 64-bit little, 32-bit big, 64-bit big]. */
const BY_ELF: Readonly<Record<number, readonly [string, string, string, string]>> = {
  2: ['', '', 'sparc', ''],
  3: ['x86', '', '', ''],
  8: ['mipsel', 'mips64el', 'mips', 'mips64'],
  20: ['', '', 'ppc', ''],
  21: ['', 'ppc64le', '', 'ppc64'],
  22: ['', '', 's390', 's390x'],
  40: ['arm', '', 'armeb', ''],
  43: ['', '', '', 'sparc64'],
  62: ['x32', 'x86-64', '', ''],
  183: ['aarch64-ilp32', 'aarch64', '', 'aarch64_be'],
  243: ['riscv32', 'riscv64', '', ''],
  258: ['loong32', 'loong64', '', ''],
};

/** The machine of an ELF file. */
export function elfMachine(machine: number, is64: boolean, little: boolean): string {
  const name = BY_ELF[machine]?.[(little ? 0 : 2) + (is64 ? 1 : 0)];
  return name ? name : `machine ${machine} (${is64 ? 64 : 32}-bit ${little ? 'little' : 'big'}-endian)`;
}

/** cputype of <mach/machine.h>. */
const BY_CPU: Readonly<Record<number, string>> = {
  7: 'x86',
  0x0100_0007: 'x86-64',
  12: 'arm',
  0x0100_000c: 'aarch64',
  0x0200_000c: 'arm64_32',
  18: 'ppc',
  0x0100_0012: 'ppc64',
};

const CPU_ARM64 = 0x0100_000c;
const SUBTYPE_ARM64E = 2;

/** The machine of a Mach-O file. arm64e is one of its own: an arm64 process can't load it. */
export function machOMachine(cpu: number, subtype: number): string {
  // The upper byte of the subtype holds capability bits.
  if (cpu === CPU_ARM64 && (subtype & 0xff_ffff) === SUBTYPE_ARM64E) return 'arm64e';
  return BY_CPU[cpu] ?? `cpu ${cpu}`;
}
