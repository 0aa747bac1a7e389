import fc from 'fast-check';
import { checkNames, isFileName, METHODS, parseSymbol, symbolOf } from '../../src/plugin/name';
import { DlserveError } from '../../src/ground/errors';

function refused(file: string, func: string): string | undefined {
  try {
    checkNames(file, func);
    return undefined;
  } catch (error) {
    expect((error as DlserveError).code).toBe('BAD_NAME');
    return (error as DlserveError).message;
  }
}

test.each(['hello', 'h', '_', '9', 'my.lib', 'my-lib', 'a'.repeat(200), 'x..y', 'A.so'])(
  'the file %s is legal',
  (file) => {
    expect(isFileName(file)).toBe(true);
    expect(refused(file, 'Hello')).toBeUndefined();
  },
);

test.each([
  '',
  '.',
  '..',
  '.hidden',
  '-option',
  '../up',
  'a/b',
  '/etc/passwd',
  'a\\b',
  'nul\0',
  'new\nline',
  'trailing\n',
  'a b',
  'é',
  '%2e%2e',
  'a'.repeat(201),
  '~',
  'C:',
  'con:',
  'ａ',
])('the file %j is illegal', (file) => {
  expect(isFileName(file)).toBe(false);
  expect(refused(file, 'Hello')).toMatch(/^illegal file /);
});

test.each(['', 'a b', 'a-b', 'a.b', '../x', 'x\n', 'x\0', 'ü', 'a'.repeat(201)])('the func %j is illegal', (func) => {
  expect(refused('hello', func)).toMatch(/^illegal func /);
});

test('the message shows the name as JSON, so that nothing in it can pass for something else', () => {
  expect(refused('a\n"b"', 'x')).toContain('"a\\n\\"b\\""');
});

const method = fc.constantFrom(...METHODS);
const func = fc.stringMatching(/^[A-Za-z0-9_]{1,200}$/);

test('parseSymbol is the inverse of symbolOf', () => {
  fc.assert(
    fc.property(method, func, (m, f) => {
      expect(parseSymbol(symbolOf(m, f))).toEqual({ method: m, func: f });
    }),
  );
});

test('what parseSymbol finds leads back to the symbol', () => {
  const symbol = fc.oneof(
    fc.string(),
    fc
      .tuple(
        fc.constantFrom(...METHODS, 'get', 'GOT', ''),
        fc.string(),
        fc.constantFrom('Handler', 'handler', '', 'HandlerHandler'),
      )
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(symbol, (text) => {
      const parsed = parseSymbol(text);
      if (parsed !== undefined) {
        expect(symbolOf(parsed.method, parsed.func)).toBe(text);
        expect(refused('hello', parsed.func)).toBeUndefined();
      }
    }),
  );
});

test.each([
  'GETHandler',
  'Handler',
  'getHelloHandler',
  'GETHello',
  'XGETHelloHandler',
  'GETHelloHandlers',
  'GETHel.loHandler',
  'PluginInit',
])('%s is no handler', (symbol) => {
  expect(parseSymbol(symbol)).toBeUndefined();
});

test('no method begins like another, so that a symbol has one reading', () => {
  for (const one of METHODS) for (const other of METHODS) if (one !== other) expect(one.startsWith(other)).toBe(false);
});

test('a legal name stays one path segment, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      if (isFileName(text)) expect(text).toMatch(/^(?![.-])[\w.-]+$/);
    }),
  );
});
