import { GO_FACTS } from './abi-exports';
import type { Findings } from './findings';

/** Findings as text for a person. */
export function printFindings(findings: Findings): string {
  const format = findings.format === 'elf' ? 'ELF' : 'Mach-O';
  const libc = findings.libc === null ? '' : `, ${findings.libc}`;
  const fits = findings.misfit === null ? 'fits this host' : `does not fit this host: ${findings.misfit}`;
  const sections = [
    `${findings.file}: ${format} library for ${findings.machine}${libc}; ${fits}`,
    section(
      'Handlers',
      findings.handlers.map(({ method, url, symbol }) => [method, url, symbol]),
    ),
    section(
      'Problems',
      findings.problems.map((problem) => [problem]),
    ),
    section(
      'Exports of the contract',
      findings.abi.map(({ symbol, state, meaning }) => [state, symbol, meaning]),
    ),
    section('Built by Go', findings.go ? GO_FACTS.map((fact) => [fact]) : []),
    section(
      'Needed libraries',
      findings.needed.map(({ name, by, path, searched }) => [
        by === null ? name : `${name} (for ${by})`,
        path ??
          (searched ? 'NOT FOUND: install it, or name its folder in LD_LIBRARY_PATH' : 'not searched on this host'),
      ]),
    ),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

/** A heading and aligned rows; nothing where there are no rows. */
function section(title: string, rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd());
  return [title, ...lines].join('\n');
}
