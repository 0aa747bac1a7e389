import fc from 'fast-check';
import { parseQuery } from '../../src/plugin/query';
import { requestText, type PluginRequest } from '../../src/plugin/request';

const plain: PluginRequest = {
  file: 'hello',
  func: 'Hello',
  method: 'GET',
  path: '/_PLUGIN/hello/Hello',
  query: '',
  rawHeaders: [],
};

function json(request: Partial<PluginRequest>): string {
  return requestText({ ...plain, ...request }, false);
}

/**
 * The members of an object in a JSON text, in their order and with repetitions, which JSON.parse would not keep. Nor does it
 * always read escaped keys right in Node 24 and 26 (nodejs/node#63785), so it gets only texts without keys here.
 */
function members(text: string, name: string): [string, unknown][] {
  let depth = 0;
  let start = 0;
  const found: [string, unknown][] = [];
  for (let i = text.indexOf(`"${name}":{`) + name.length + 3; i < text.length;) {
    const at = i;
    const token = /^(?:"(?:[^"\\]|\\.)*"|[\s\S])/.exec(text.slice(i))![0];
    i += token.length;
    if (token === '{' || token === '[') depth++;
    if (token === '}' || token === ']') depth--;
    const ended = depth === 0 || (depth === 1 && token === ',');
    if (ended && start > 0) found.at(-1)![1] = JSON.parse(text.slice(start, at));
    if (depth === 0) return found;
    if (depth === 1 && token.length > 1 && text[i] === ':') {
      found.push([JSON.parse(token) as string, undefined]);
      start = i + 1;
    }
  }
  throw new Error('the object has no end');
}

test('has the shape of the contract', () => {
  expect(json({ query: 'abc=123', rawHeaders: ['Host', '127.0.0.1:3000'] })).toBe(
    '{"http_vars":{"file":"hello","func":"Hello"},"url_query":{"abc":["123"]},"method":"GET",' +
      '"path":"/_PLUGIN/hello/Hello","headers":{"host":"127.0.0.1:3000"},"body":null}',
  );
});

test('a body follows the head as JSON text', () => {
  expect(JSON.parse(`${requestText(plain, true)}${JSON.stringify('a "body"')}}`)).toMatchObject({ body: 'a "body"' });
});

test('repeated headers are joined as RFC 9110 and RFC 6265 say', () => {
  const rawHeaders = ['Accept', 'a', 'Cookie', 'x=1', 'ACCEPT', 'b', 'cookie', 'y=2', 'X-Once', 'c'];
  expect(json({ rawHeaders })).toContain('"headers":{"accept":"a, b","cookie":"x=1; y=2","x-once":"c"}');
});

test.each([31, 32, 33, 1000])('a repeated header is found among %d others', (count) => {
  const others = Array.from({ length: count }, (_, i) => [`X-${i}`, String(i)]).flat();
  const text = json({ rawHeaders: ['Accept', 'a', ...others, 'accept', 'b'] });
  const expected = { accept: 'a, b', ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, String(i)])) };
  expect(JSON.parse(text)).toMatchObject({ headers: expected });
  expect(members(text, 'headers')).toHaveLength(count + 1);
});

test('integer-like keys and __proto__ are kept, in order', () => {
  const text = json({ query: '10=a&2=b&__proto__=c&2=d', rawHeaders: ['10', 'x', '9', 'y', '__proto__', 'z'] });
  expect(text).toContain('"url_query":{"10":["a"],"2":["b","d"],"__proto__":["c"]}');
  expect(text).toContain('"headers":{"10":"x","9":"y","__proto__":"z"}');
});

const query = fc
  .array(
    fc.constantFrom(
      '&',
      '=',
      '%22',
      '%5C',
      '%0A',
      '%00',
      '%ff',
      '%E2%80%A8',
      '%F0%9F%98%80',
      '"',
      '\\',
      '{',
      '1',
      '2',
      'a',
      '__proto__',
    ),
  )
  .map((pieces) => pieces.join(''));
/** What node:http lets through: tokens, and values without control characters. */
const name = fc.oneof(
  fc.constantFrom('Accept', 'accept', 'Cookie', 'COOKIE', '__proto__', '1', '0'),
  fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/),
);
const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,20}$/);
const rawHeaders = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((pairs) => pairs.flat());
const path = fc.stringMatching(/^\/[\x21-\x7e]{0,30}$/);

test('is always JSON, with the query and the headers whole', () => {
  fc.assert(
    fc.property(query, rawHeaders, path, (q, raw, p) => {
      const text = json({ query: q, rawHeaders: raw, path: p });
      expect((JSON.parse(text) as { path: string }).path).toBe(p);
      expect(members(text, 'url_query')).toEqual([...parseQuery(q)]);

      const joined = new Map<string, string>();
      for (let i = 0; i < raw.length; i += 2) {
        const key = raw[i]!.toLowerCase();
        const before = joined.get(key);
        joined.set(
          key,
          before === undefined ? raw[i + 1]! : `${before}${key === 'cookie' ? '; ' : ', '}${raw[i + 1]!}`,
        );
      }
      expect(members(text, 'headers')).toEqual([...joined]);
    }),
    { numRuns: 1000 },
  );
});

test('header names beyond the number that is remembered are lower-cased all the same', () => {
  for (let i = 0; i < 600; i++) expect(json({ rawHeaders: [`X-Name-${i}`, 'v'] })).toContain(`{"x-name-${i}":"v"}`);
});
