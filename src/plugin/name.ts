import { DlserveError } from '../ground/errors';

/** Methods that can be part of a C symbol, longest first so that none hides behind a shorter one. */
export const METHODS: readonly string[] = [
  'CHECKOUT', 'OPTIONS', 'PROPFIND', 'DELETE', 'SEARCH', 'PATCH', 'QUERY', 'TRACE', 'HEAD', 'POST', 'GET', 'PUT',
];

const FILE = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/;
/** What the func of a route may be. */
export const FUNC = /^[A-Za-z0-9_]{1,200}$/;

/** Whether `file` can name a library: it is one path segment, never hidden, never an option. */
export function isFileName(file: string): boolean {
  return FILE.test(file);
}

/**
 * Checks the two names of a route before anything touches the disk.
 * @throws DlserveError BAD_NAME
 */
export function checkNames(file: string, func: string): void {
  if (!FILE.test(file)) {
    throw new DlserveError('BAD_NAME', {
      what: 'file',
      value: JSON.stringify(file),
      rule: 'letters, digits, "_", "-" and "." are allowed, up to 200, and the first is a letter, a digit or "_"',
    });
  }
  if (!FUNC.test(func)) {
    throw new DlserveError('BAD_NAME', {
      what: 'func',
      value: JSON.stringify(func),
      rule: 'letters, digits and "_" are allowed, up to 200',
    });
  }
}

/** What the path of every endpoint begins with. */
export const PREFIX = '/_PLUGIN/';

/** Where a handler answers. */
export function pathOf(file: string, func: string): string {
  return `${PREFIX}${file}/${func}`;
}

/** The C symbol that answers `method` on `func`. */
export function symbolOf(method: string, func: string): string {
  return `${method}${func}Handler`;
}

const SYMBOL = new RegExp(`^(${METHODS.join('|')})([A-Za-z0-9_]{1,200})Handler$`);

/** The inverse of {@link symbolOf}: which endpoint a symbol answers; undefined for any other symbol. */
export function parseSymbol(symbol: string): { method: string; func: string } | undefined {
  const match = SYMBOL.exec(symbol);
  return match ? { method: match[1]!, func: match[2]! } : undefined;
}
