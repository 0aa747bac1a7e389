import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync, mkdirSync, cpSync } from 'node:fs';
import path from 'node:path';
import { compileFixture } from '../support/compile';
import { openDoors, type Answer, type Doors } from '../support/doors';

const LIMIT = 4096;

describe.each(['thread', 'inline', 'process'])('in mode %s', (mode) => {
  let doors: Doors;

  beforeAll(async () => {
    const fixtures = ['echo.c', 'status.c', 'headers.c', 'client_headers.c', 'bytes.c', 'parameters.c', 'data_symbol.c', 'init_config.c', 'invalid_utf8.c'];
    const toml = `[http]\nbodylimit = "${LIMIT}B"\n[plugin.init_config.config]\ngreeting = "hi"\nlist = [1, { a = true }]\n`;
    doors = await openDoors(fixtures, toml, ['--mode', mode]);
  });
  afterAll(() => doors.stop());

  const echo = async (query: string): Promise<unknown> => (await doors.ask(`/_PLUGIN/echo/Echo${query}`)).json();

  describe('the endpoint, through both doors', () => {
    test('gives a handler the whole request', async () => {
      const answer = await doors.ask({ path: '/_PLUGIN/echo/Echo?abc=123', headers: ['X-One: 1', 'X-Two: a', 'x-two: b'] });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(answer.body.toString()).toBe(
        '{"http_vars":{"file":"echo","func":"Echo"},"url_query":{"abc":["123"]},"method":"GET","path":"/_PLUGIN/echo/Echo",' +
          '"headers":{"host":"plugins.test","x-one":"1","x-two":"a, b","connection":"close"},"body":null}',
      );
    });

    test('keeps order, repetition and emptiness of the query', async () => {
      const answer = await doors.ask('/_PLUGIN/echo/Echo?z=1&9=a&1=b&z=&=x&flag&&z=2');
      expect(answer.body.toString()).toContain('"url_query":{"z":["1","","2"],"9":["a"],"1":["b"],"":["x"],"flag":[""]}');
    });

    test('decodes percent and plus, and keeps what is malformed', async () => {
      const answer = await echo('?a=%41+b%2Bc&%C3%BC=%E2%82%AC&bad=%ZZ%4&cut=%&notutf8=%ff&nul=%00&__proto__=p');
      expect(answer).toMatchObject({
        url_query: { a: ['A b+c'], ü: ['€'], bad: ['%ZZ%4'], cut: ['%'], notutf8: ['\ufffd'], nul: ['\0'] },
      });
      expect(Object.entries((answer as { url_query: object }).url_query)).toContainEqual(['__proto__', ['p']]);
    });

    test('takes an 8 KB URL and 1,000 keys', async () => {
      const long = 'x'.repeat(8000);
      expect(await echo(`?long=${long}`)).toMatchObject({ url_query: { long: [long] } });
      const keys = Array.from({ length: 1000 }, (_, i) => `k${i}=${i}`).join('&');
      expect(Object.keys((await echo(`?${keys}`) as { url_query: object }).url_query)).toHaveLength(1000);
    });

    test.each([LIMIT - 1, LIMIT])('takes a body of %d bytes, whole or in chunks', async (length) => {
      const body = 'b'.repeat(length);
      const whole = await doors.ask({ path: '/_PLUGIN/echo/Echo', body });
      expect(whole.json()).toMatchObject({ method: 'POST', body });
      const chunked = Buffer.from(`${(length - 10).toString(16)}\r\n${body.slice(10)}\r\na\r\n${body.slice(0, 10)}\r\n0\r\n\r\n`);
      const inChunks = await doors.ask({ method: 'POST', path: '/_PLUGIN/echo/Echo', headers: ['Transfer-Encoding: chunked'], raw: chunked });
      expect(inChunks.json()).toMatchObject({ body });
    });

    test('refuses a body over the limit, whole or in chunks', async () => {
      const body = 'b'.repeat(LIMIT + 1);
      const refused = { error: `the request body is over the limit of ${LIMIT} bytes`, code: 'BODY_TOO_LARGE' };
      const whole = await doors.ask({ path: '/_PLUGIN/echo/Echo', body });
      expect([whole.status, whole.json()]).toEqual([413, refused]);
      const chunked = Buffer.from(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
      const inChunks = await doors.ask({ method: 'POST', path: '/_PLUGIN/echo/Echo', headers: ['Transfer-Encoding: chunked'], raw: chunked });
      expect([inChunks.status, inChunks.json()]).toEqual([413, refused]);
    });

    test('tells a body that is empty from none', async () => {
      expect((await doors.ask({ method: 'POST', path: '/_PLUGIN/echo/Echo' })).json()).toMatchObject({ body: null });
      expect((await doors.ask({ path: '/_PLUGIN/echo/Echo', body: '' })).json()).toMatchObject({ body: '' });
    });

    test('gives bytes as they are, in and out', async () => {
      const bytes = Buffer.from([0, 255, 10, 13, 34, 92, 128, 0]);
      expect((await doors.ask({ path: '/_PLUGIN/bytes/Bytes', body: bytes })).body).toEqual(bytes);
      expect((await doors.ask({ path: '/_PLUGIN/echo/Echo', body: bytes })).json()).toMatchObject({ body: null });
    });

    test('what a client sent stays one value of a header, added by line or given as JSON', async () => {
      const line = (body: string): Promise<Answer> => doors.ask({ path: '/_PLUGIN/client_headers/Line', body });
      const json = (value: unknown): Promise<Answer> => doors.ask({ path: '/_PLUGIN/client_headers/Json', body: JSON.stringify(value) });
      const attack = 'a\r\nSet-Cookie: stolen=1';
      expect((await doors.ask('/_PLUGIN/client_headers/Cases')).body.toString()).toBe('none');
      expect((await line('a: b')).headers.get('x-value')).toBe('a: b');
      const refused = await line(attack);
      expect([refused.status, refused.headers.get('x-first'), refused.headers.has('set-cookie')]).toEqual([400, '1', false]);

      const answer = await json('caf\xe9');
      expect([answer.headers.get('x-first'), answer.headers.get('x-value')]).toEqual(['1', 'caf\xe9']);
      const wrong = await json(attack);
      expect([wrong.status, wrong.json(), wrong.headers.has('set-cookie')]).toEqual([500, expect.objectContaining({ code: 'BAD_HEADERS' }), false]);
    });

    test("passes a handler's status and headers on", async () => {
      expect((await doors.ask('/_PLUGIN/status/Teapot')).status).toBe(418);
      const answer = await doors.ask('/_PLUGIN/headers/Headers');
      expect(answer.headers.get('content-type')).toBe('text/plain');
      expect(answer.headers.get('x-name')).toBe('caf\xe9');
    });

    test('gives PluginInit its configuration', async () => {
      expect((await doors.ask('/_PLUGIN/init_config/Config')).body.toString()).toBe('1 {"greeting":"hi","list":[1,{"a":true}]}');
    });

    test('answers HEAD by the GET handler, without the body', async () => {
      const [head, get] = [await doors.ask({ method: 'HEAD', path: '/_PLUGIN/parameters/One' }), await doors.ask('/_PLUGIN/parameters/One')];
      expect(head.status).toBe(200);
      expect(head.body).toHaveLength(0);
      expect(head.headers.get('content-length')).toBe(String(get.body.length));
    });

    test('answers OPTIONS by itself', async () => {
      const answer = await doors.ask({ method: 'OPTIONS', path: '/_PLUGIN/echo/Echo' });
      expect([answer.status, answer.headers.get('allow'), answer.body.length]).toEqual([204, 'GET, HEAD, OPTIONS, POST', 0]);
    });

    test('decodes the names in the path', async () => {
      expect((await doors.ask('/_PLUGIN/%65cho/%45cho')).status).toBe(200);
    });

    test('answers a client that asks before it sends', async () => {
      const headers = ['Expect: 100-continue'];
      const answer = await doors.ask({ path: '/_PLUGIN/echo/Echo', headers, body: 'asked' });
      expect(answer.status).toBe(100);
      expect(answer.body.toString()).toContain('"body":"asked"');
      expect((await doors.ask({ method: 'POST', path: '/_PLUGIN/echo/Echo', headers: [...headers, 'Content-Length: 99999'] })).status).toBe(413);
    });

    test('is healthy', async () => {
      const answer = await doors.ask('/_health');
      expect([answer.status, answer.json()]).toEqual([200, { status: 'ok' }]);
    });
  });

  describe('errors, through both doors', () => {
    const errorOf = async (request: Parameters<Doors['ask']>[0]): Promise<[number, string]> => {
      const answer = await doors.ask(request);
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
      const { error, code } = answer.json() as { error: string; code: string };
      expect(error).not.toContain('undefined');
      return [answer.status, code];
    };

    test.each([
      '/_PLUGIN/../Echo', '/_PLUGIN/%2e%2e/Echo', '/_PLUGIN/..%2fecho/Echo', '/_PLUGIN/%2fetc%2fpasswd/Echo', '/_PLUGIN/echo%00/Echo',
      '/_PLUGIN/.echo/Echo', '/_PLUGIN/-echo/Echo', '/_PLUGIN/e%20cho/Echo', '/_PLUGIN/%ZZ/Echo', '/_PLUGIN/echo/Ec%2Fho',
      '/_PLUGIN/echo/Ec-ho', '/_PLUGIN/echo/', '/_PLUGIN//Echo', '/_PLUGIN/%C3%BC/Echo', `/_PLUGIN/${'e'.repeat(300)}/Echo`,
      '/_PLUGIN/echo/Echo%00', '/_PLUGIN/echo\\..\\echo/Echo',
    ])('%s is an illegal name', async (target) => {
      expect(await errorOf(target)).toEqual([400, 'BAD_NAME']);
    });

    test.each(['/', '/_PLUGIN', '/_PLUGIN/', '/_PLUGIN/echo', '/_PLUGIN/echo/Echo/', '/_PLUGIN/echo/Echo/more', '/_plugin/echo/Echo', '/x?y=%', '//'])(
      '%s is no route',
      async (target) => {
        expect(await errorOf(target)).toEqual([404, 'ROUTE_NOT_FOUND']);
      },
    );

    test('a library that is not there', async () => {
      expect(await errorOf('/_PLUGIN/nope/Echo')).toEqual([404, 'LIBRARY_NOT_FOUND']);
    });

    test('a handler that is not there, with a guess', async () => {
      const answer = await doors.ask('/_PLUGIN/echo/echo');
      expect(answer.status).toBe(404);
      expect(answer.json()).toEqual({ error: 'no handler GETechoHandler in echo: did you mean Echo?', code: 'HANDLER_NOT_FOUND' });
    });

    test('a handler symbol that is data', async () => {
      const answer = await doors.ask('/_PLUGIN/data_symbol/Data');
      expect([answer.status, answer.json()]).toEqual([
        404,
        { error: 'no handler GETDataHandler in data_symbol: GETDataHandler is data, not a function', code: 'HANDLER_NOT_FOUND' },
      ]);
    });

    test('a handler for other methods only', async () => {
      const answer = await doors.ask({ method: 'DELETE', path: '/_PLUGIN/echo/Echo' });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, POST']);
      expect(answer.json()).toEqual({ error: '/_PLUGIN/echo/Echo does not answer DELETE, only GET, HEAD, OPTIONS, POST', code: 'METHOD_NOT_ALLOWED' });
    });

    test('a link that leads out of pluginpath', async () => {
      symlinkSync(compileFixture('echo.c'), path.join(doors.pluginpath, 'outside.so'));
      expect((await doors.ask('/_PLUGIN/outside/Echo')).json()).toEqual({
        error: `no library outside.so in pluginpath: the link of that name leads out of the folder`,
        code: 'LIBRARY_NOT_FOUND',
      });
      symlinkSync('echo.so', path.join(doors.pluginpath, 'inside.so'));
      expect((await doors.ask('/_PLUGIN/inside/Echo')).status).toBe(200);
    });

    test('what is no library', async () => {
      writeFileSync(path.join(doors.pluginpath, 'text.so'), 'not a library');
      mkdirSync(path.join(doors.pluginpath, 'folder.so'));
      expect(await errorOf('/_PLUGIN/text/Echo')).toEqual([500, 'LOAD_FAILED']);
      execFileSync('mkfifo', [path.join(doors.pluginpath, 'pipe.so')]);
      symlinkSync('loop.so', path.join(doors.pluginpath, 'loop.so'));
      for (const name of ['folder', 'pipe', 'loop']) expect(await errorOf(`/_PLUGIN/${name}/Echo`)).toEqual([500, 'LOAD_FAILED']);
    });

    test('a library that failed is tried again when its file has changed', async () => {
      const file = path.join(doors.pluginpath, 'mended.so');
      expect(await errorOf('/_PLUGIN/mended/Echo')).toEqual([404, 'LIBRARY_NOT_FOUND']);
      writeFileSync(file, 'not yet');
      expect(await errorOf('/_PLUGIN/mended/Echo')).toEqual([500, 'LOAD_FAILED']);
      cpSync(compileFixture('echo.c'), file);
      expect((await doors.ask('/_PLUGIN/mended/Echo')).status).toBe(200);
    });

    test('a timeout that is none', async () => {
      expect(await errorOf({ path: '/_PLUGIN/echo/Echo', headers: ['X-Dlserve-Timeout: soon'] })).toEqual([400, 'BAD_TIMEOUT']);
    });
  });
});
