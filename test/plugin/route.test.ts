import { DlserveError } from '../../src/ground/errors';
import { parseRoutes, segmentsOf, shapeOf } from '../../src/plugin/route';

test.each([
  ['/', [{ text: '' }]],
  ['/a/b.c-d~e:f@g/', [{ text: 'a' }, { text: 'b.c-d~e:f@g' }, { text: '' }]],
  ['/\u00fc/{name}', [{ text: '\u00fc' }, { name: 'name', rest: false }]],
  ['/{a}/{b...}', [{ name: 'a', rest: false }, { name: 'b', rest: true }]],
])('the segments of %s', (path, segments) => {
  expect(segmentsOf(path)).toEqual(segments);
});

test.each([
  ['', 'must begin with "/"'],
  ['hello', 'must begin with "/"'],
  ['/_ready', 'begins with "/_"'],
  ['//a', 'an empty segment'],
  ['/a//b', 'an empty segment'],
  ['/a/../b', 'a segment ".."'],
  ['/.', 'a segment "."'],
  ['/a%2Fb', 'write it decoded'],
  ['/a?b', '"?"'],
  ['/a b', '" "'],
  ['/a\n', '"\\n"'],
  ['/*', '"*"'],
  ['/\ud800', '"\\ud800"'],
  ['/a{b}', 'a name in braces is a segment by itself'],
  ['/{}', 'has a name ""'],
  ['/{1a}', 'has a name "1a"'],
  ['/{a}/{a}', 'the name a twice'],
  ['/{a...}/b', '{a...} before its end'],
  [`/${'x'.repeat(2000)}`, 'longer than'],
])('%j is no path of a route', (path, words) => {
  expect(() => segmentsOf(path)).toThrow(words);
});

test('what the names are called does not tell routes apart', () => {
  expect(shapeOf({ method: 'GET', path: '/a/{b}/{c...}' })).toBe(shapeOf({ method: 'GET', path: '/a/{x}/{y...}' }));
  expect(shapeOf({ method: 'GET', path: '/a/{b}' })).not.toBe(shapeOf({ method: 'GET', path: '/a/{b...}' }));
});

test('a library says in place of routes what went wrong', () => {
  expect(() => parseRoutes('"no database"', 'x.so', 'PluginRoutes')).toThrow(new DlserveError('LOAD_FAILED', { library: 'x.so', reason: 'PluginRoutes failed: no database' }));
});

test('hostile JSON is refused in time', () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  for (const text of [deep, '{"__proto__":[]}', '[null]', '[[]]', '[{"method":{},"path":[],"handler":1}]', `"${'x'.repeat(2_000_000)}"`]) {
    expect(() => parseRoutes(text, 'x.so', 'PluginRoutes')).toThrow(DlserveError);
  }
});
