import fc from 'fast-check';
import { parseQuery } from '../../src/plugin/query';

function parsed(query: string): [string, string[]][] {
  return [...parseQuery(query)];
}

test.each<[string, [string, string[]][]]>([
  ['', []],
  ['abc=123', [['abc', ['123']]]],
  [
    'a=1&b=2&a=3',
    [
      ['a', ['1', '3']],
      ['b', ['2']],
    ],
  ],
  ['a', [['a', ['']]]],
  ['a=', [['a', ['']]]],
  ['=1', [['', ['1']]]],
  ['=', [['', ['']]]],
  ['&&a=1&&', [['a', ['1']]]],
  ['a=b=c', [['a', ['b=c']]]],
  ['a+b=c+d', [['a b', ['c d']]]],
  ['a%20b=%2B', [['a b', ['+']]]],
  ['%C3%A9=%c3%A9', [['é', ['é']]]],
  ['a=%', [['a', ['%']]]],
  ['a=%4', [['a', ['%4']]]],
  ['a=%zz%41', [['a', ['%zzA']]]],
  ['a=%ff', [['a', ['\ufffd']]]],
  ['a=%00', [['a', ['\0']]]],
  [
    '10=x&2=y&1=z',
    [
      ['10', ['x']],
      ['2', ['y']],
      ['1', ['z']],
    ],
  ],
  [
    '__proto__=1&constructor=2',
    [
      ['__proto__', ['1']],
      ['constructor', ['2']],
    ],
  ],
  ['a=1;b=2', [['a', ['1;b=2']]]],
  ['a%26b=1%3D2', [['a&b', ['1=2']]]],
])('%j', (query, expected) => {
  expect(parsed(query)).toEqual(expected);
});

/** Pieces that a query is likely to trip over, glued together at random; a URL holds ASCII only. */
const query = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '&',
        '=',
        '+',
        '%',
        '%4',
        '%41',
        '%zz',
        '%C3%A9',
        '%c3',
        '%ff',
        '%00',
        '%F0%9F%98%80',
        '%ED%A0%80',
        '%26',
        '%3d',
        '%2B',
        '%EF%BB%BF',
        '__proto__',
        '1',
        '02',
        '-1',
      ),
      fc.stringMatching(/^[!$'()*,./0-9:;?@A-Z_a-z~-]{0,5}$/),
    ),
  )
  .map((pieces) => pieces.join(''));

test('reads what URLSearchParams reads, in the order of first appearance', () => {
  fc.assert(
    fc.property(query, (text) => {
      const expected = new Map<string, string[]>();
      // A leading "?" is part of the query here, and is stripped there.
      for (const [key, value] of new URLSearchParams(`?${text}`))
        expected.set(key, [...(expected.get(key) ?? []), value]);
      expect(parsed(text)).toEqual([...expected]);
    }),
    { numRuns: 2000 },
  );
});

test('reads back what URLSearchParams writes', () => {
  const pair = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.string({ unit: 'grapheme', maxLength: 6 }));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 12 }), (pairs) => {
      const read = parsed(new URLSearchParams(pairs).toString());
      const expected = new Map<string, string[]>();
      for (const [key, value] of pairs) expected.set(key, [...(expected.get(key) ?? []), value]);
      expect(read).toEqual([...expected]);
    }),
  );
});

test('a thousand keys keep their order', () => {
  const keys = Array.from({ length: 1000 }, (_, i) => String((i * 7919) % 1000));
  expect(parsed(keys.map((key) => `${key}=v`).join('&')).map(([key]) => key)).toEqual(keys);
});
