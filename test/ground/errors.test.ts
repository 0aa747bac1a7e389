import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DlserveError, ERRORS, messageOf, type ErrorCode } from '../../src/ground/errors';

const docs = readFileSync(path.join(__dirname, '../../docs/errors.md'), 'utf8');
const codes = Object.keys(ERRORS) as ErrorCode[];

/** The table's rows: | `CODE` | status | message |. A pipe in a cell is written \|. */
function rows(): [string, string, string][] {
  return [...docs.matchAll(/^\| \[`(\w+)`\]\(#\w+\) \| (\S+) \| (.*) \|$/gm)].map(([, code, status, message]) => [
    code!,
    status!,
    message!.replaceAll('\\|', '|'),
  ]);
}

test('docs/errors.md has the rows of the table, in its order', () => {
  expect(rows()).toEqual(codes.map((code) => [code, String(ERRORS[code].status), `\`${ERRORS[code].message}\``]));
});

test('docs/errors.md has a section for each code, in the order of the table, that says something', () => {
  const sections = docs
    .split(/^### /m)
    .slice(1)
    .map((section) => /^(\w+)\n([\s\S]*)$/.exec(section)!);
  expect(sections.map(([, code]) => code)).toEqual(codes);
  for (const [, code, text] of sections) {
    expect(`${code}: ${text!.replace(/^## [\s\S]*/m, '').trim().length > 80}`).toBe(`${code}: true`);
  }
});

test('codes are upper case, statuses are of errors', () => {
  for (const code of codes) {
    expect(code).toMatch(/^[A-Z][A-Z_]+[A-Z]$/);
    expect(ERRORS[code].status).toBeGreaterThanOrEqual(400);
    expect(ERRORS[code].status).toBeLessThanOrEqual(599);
  }
});

test('an error carries its code, its status, its message filled in, and its cause', () => {
  const cause = new Error('below');
  const error = new DlserveError(
    'BAD_STATUS',
    { symbol: 'GETHelloHandler', value: 0 },
    { cause, headers: { 'Retry-After': '1' } },
  );
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'DlserveError',
    code: 'BAD_STATUS',
    status: 500,
    cause,
    headers: { 'Retry-After': '1' },
  });
  expect(error.message).toBe('GETHelloHandler gave status 0, legal are 200 to 599');
});

test('without a cause it has none, and what fills the message is not filled itself', () => {
  const error = new DlserveError('BAD_NAME', { what: '{rule}', value: '$&', rule: '{what}' });
  expect('cause' in error).toBe(false);
  expect(error.message).toBe('illegal {rule} $&: {what}');
});

test('messageOf has the words of anything that can be thrown', () => {
  expect(messageOf(new TypeError('words'))).toBe('words');
  expect(messageOf('text')).toBe('text');
  expect(messageOf(undefined)).toBe('undefined');
});
