import { cpSync } from 'node:fs';
import path from 'node:path';
import { curl } from './support/curl';
import { scratch, startServer, type TestServer } from './support/server';
import { until } from './support/until';

/** What `npm start` serves, and prints. */
let server: TestServer;
let lines: string[];

beforeAll(async () => {
  const cwd = scratch();
  cpSync(path.resolve(__dirname, '../lib/src'), path.join(cwd, 'lib/src'), { recursive: true });
  server = await startServer([], { cwd });
  // Each comes when its plugin is ready.
  lines = await until(() => {
    const printed = server.stdout().match(/^ {2}curl .*$/gm) ?? [];
    return printed.length === 6 && printed.sort((a, b) => (a.replace(/.*http/, '') < b.replace(/.*http/, '') ? -1 : 1));
  }, 300_000);
}, 300_000);
afterAll(() => server.stop());

/** Does what a line does that the server has printed. */
const paste = (line: string): Promise<string> =>
  curl(line.trim().replace(server.url, 'http://127.0.0.1:3000'), server.url).then(({ printed }) => printed);

test('each source is there, and each line that was printed can be pasted', async () => {
  expect(lines.map((line) => line.replace(server.url, '').trim())).toEqual([
    'curl /_PLUGIN/greet/Greet',
    "curl -X POST -d 'text' /_PLUGIN/greet/Greet",
    'curl /_PLUGIN/hello/Hello',
    'curl /_PLUGIN/hello/HelloWithStatus',
    'curl /_PLUGIN/image/Gradient',
    'curl /_PLUGIN/sum/Sum',
  ]);
  const statuses = await Promise.all(lines.map((line) => paste(line.replace('curl ', 'curl -s -o /dev/null -w %{http_code} '))));
  expect(statuses).toEqual(['200', '200', '200', '202', '200', '200']);
});

test.each([
  ['hello/Hello?abc=123', '{"http_vars":{"file":"hello","func":"Hello"},"url_query":{"abc":["123"]},"msg":"Hello plugin caller!"}200'],
  ['hello/HelloWithStatus?abc=123', '{"http_vars":{"file":"hello","func":"HelloWithStatus"},"url_query":{"abc":["123"]},"msg":"Hello plugin caller!"}202'],
  ['sum/Sum?n=1&n=2&n=39', '{"sum":42}200'],
  ['sum/Sum?n=1&n=two', '{"error":"n must be a whole number, and not too large"}400'],
  ['greet/Greet?name=Ada', '{"greeting":"Hello, Ada!"}200'],
])('%s', async (target, answer) => {
  expect(await paste(`curl -w %{http_code} '${server.url}/_PLUGIN/${target}'`)).toBe(answer);
});
