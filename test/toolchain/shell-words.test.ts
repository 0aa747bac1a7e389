import fc from 'fast-check';
import { words } from '../../src/toolchain/shell-words';

test.each<[string | undefined, string[]]>([
  [undefined, []],
  ['  ', []],
  ['cc', ['cc']],
  ['ccache  cc', ['ccache', 'cc']],
  [`-DA='x y' -I"/a b"/c`, ['-DA=x y', '-I/a b/c']],
  [`-DT=\\"text\\"`, ['-DT="text"']],
  [`"a \\"b\\" \\n" '\\'`, ['a "b" \\n', '\\']],
  ['a\\ b', ['a b']],
  [`''`, ['']],
  [`"never closed`, ['never closed']],
])('%j', (text, expected) => {
  expect(words(text)).toEqual(expected);
});

test('words that were quoted for a shell come back as they were', () => {
  const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
  fc.assert(
    fc.property(fc.array(fc.string()), (list) => {
      expect(words(list.map(quote).join(' '))).toEqual(list);
    }),
  );
});
