import { isatty } from 'node:tty';
import { setFooter, standardOutput, type Footer } from '../../ground/outlet';

const CLEAR_BELOW = '\x1b[J';

/** Whether lines that stand on standard output already can be written anew. */
export function canRedraw({ NO_COLOR, TERM }: NodeJS.ProcessEnv = process.env): boolean {
  return isatty(1) && !NO_COLOR && TERM !== undefined && TERM !== 'dumb';
}

/** Some lines that stay at the bottom of a terminal, below all that is logged and printed meanwhile. */
export class Block implements Footer {
  #lines: readonly string[] = [];
  /** What stands on the terminal now. */
  #shown = 0;

  constructor(private readonly size: () => { readonly columns: number; readonly rows: number } = () => process.stdout) {
    setFooter(this);
  }

  /** Shows these lines in place of the last ones. */
  set(lines: readonly string[]): void {
    if (lines.length === 0 && this.#shown === 0) return;
    this.#lines = lines;
    standardOutput.write('');
  }

  /** Takes the lines away for good. */
  end(): void {
    this.set([]);
    setFooter(undefined);
  }

  above(text: string): string {
    const away = this.#shown === 0 ? '' : `\x1b[${this.#shown}A\r${CLEAR_BELOW}`;
    const lines = this.#fitting();
    this.#shown = lines.length;
    return away + text + lines.map((line) => `${line}\n`).join('');
  }

  /** A line that is broken by the terminal would count twice. */
  #fitting(): string[] {
    const { columns, rows } = this.size();
    const most = Math.max((rows || 24) - 2, 1);
    const hidden = this.#lines.length - most;
    const lines = hidden > 0 ? [...this.#lines.slice(0, most - 1), `  ... and ${hidden + 1} more`] : this.#lines;
    return lines.map((line) => line.slice(0, Math.max((columns || 80) - 1, 1)));
  }
}
