import { cpSync } from 'node:fs';
import path from 'node:path';
import { asked, build, call, copyGo, library, pluginpath, removeFolders } from './support';

// What the three styles of Go ask of the host, which is driver-host.c here.

let folder: string;

beforeAll(async () => {
  folder = pluginpath();
  copyGo(folder, 'asks.go', 'parts');
  cpSync(path.join(__dirname, '../../examples/go-stream/go-stream.go'), path.join(folder, 'src/go-stream.go'));
  expect((await build(folder)).states).toEqual({ asks: 'built', parts: 'built', 'go-stream': 'built' });
}, 300_000);
afterAll(removeFolders);

describe('prestd style', () => {
  const of = (...funcs: string[]): string[] => asked(library(folder, 'asks'), funcs.map((func) => `GET${func}Handler`));

  test('Ask writes and reads JSON, and its errors have a code', () => {
    const params = '{"raw":[1],"text":"a\\u0000ü"}';
    expect(of('Ask')).toEqual([
      `ask echo ${params}`,
      'ask nothing null',
      'end -1',
      `rest ${params}<nil>; UNKNOWN_SERVICE: there is none true; "ec\\x00ho" is no name of a service; json: unsupported type: func()`,
    ]);
  });

  test('Log has the levels by name', () => {
    expect(of('Log').slice(0, 5)).toEqual(['log 0 debug line', 'log 1 info line', 'log 2 warn line', 'log 3 error line', 'log 1 other line']);
  });

  test('Write sends parts, and a function that is kept writes into no other call', () => {
    expect(of('Parts', 'Later')).toEqual([
      'head -1 ', 'part one', 'part ', 'part three', 'end 200', 'rest ; 0 <nil> false',
      'end -1', 'rest GONE: nobody waits for the reply any more, or its time is over',
    ]);
  });

  test('one whose client has left learns it', () => {
    const lines = asked(library(folder, 'asks'), ['GETLeaveHandler'], { gone: 2 });
    expect(lines).toEqual(['head -1 ', 'part x', 'part x', 'end -1', 'rest 2 GONE: nobody waits for the reply any more, or its time is over']);
  });

  test('a panic after the first part breaks the reply off', () => {
    expect(of('Break')).toEqual(['head -1 ', 'part one', 'end 500', 'rest ']);
  });

  test('a host without these functions leaves the variables as they are', () => {
    expect(call(library(folder, 'asks'), 'GETWithoutHandler').answers.GETWithoutHandler?.body).toBe('true true true true');
    expect(of('Without')).toEqual(['end -1', 'rest false false false false']);
  });

  test('a variable of another type is left alone; if it is a function, its author learns so', async () => {
    const handler = 'func GETXHandler() string { return "" }\n';
    const { states, lines } = await build(
      pluginpath({
        'src/mine.go': `package main\n\nimport "log"\n\nvar Log = log.Default()\n\ntype Write int\n\nfunc Ask() {}\n\nvar Cancelled bool\n\n${handler}`,
        'src/close.go': `package main\n\nimport "encoding/json"\n\nvar Ask func(string, any) (json.RawMessage, error)\n\nvar Log func(string)\n\n${handler}`,
        'src/named.go': `package main\n\ntype logs func(level, text string)\n\nvar Log logs = func(string, string) {}\n\n${handler}`,
      }),
    );
    expect(states).toEqual({ mine: 'built', close: 'built', named: 'built' });
    expect(lines.filter(({ level }) => level === 40).map(({ msg }) => msg)).toEqual([
      expect.stringContaining('close: Ask is not set: it must be of type func(service string, params any) ([]byte, error), and is func(string, any)'),
      'close: Log is not set: it must be of type func(level, text string), and is func(string)',
    ]);
  }, 180_000);
});

describe('factory style', () => {
  const get = (route: string, { method = 'GET', body = '', gone = 1000, symbol = 'PluginRouteHandler', headers = {} } = {}): string[] => {
    const request = JSON.stringify({ http_vars: {}, url_query: {}, method, path: `/parts/${route}`, headers, route: `${method} /parts/${route}`, body: null });
    const lines = asked(library(folder, 'parts'), [symbol], { request, body, gone });
    expect([lines[0], lines[1]]).toEqual(['name parts', expect.stringMatching(/^routes \[/)]);
    return lines.slice(2);
  };

  test('Flush sends the head and what was written, the rest comes at the end', () => {
    const head = 'head 202 {"Content-Type":["text/event-stream"]}';
    expect(get('events')).toEqual([head, 'part ', 'part data: 1\\n\\n', 'part data: 2\\n\\n', 'part data: 3\\n\\n', 'end 200', 'rest : end\\n\\n']);
    expect(get('events', { gone: 2 })).toEqual([head, 'part ', 'part data: 1\\n\\n', 'end 200', 'rest ']);
  });

  test('where nobody waits any more the context ends, also one that was made of it, and Write fails', () => {
    const lines = get('until-left', { gone: 3 });
    expect(lines.slice(0, 4)).toEqual(['head 503 {"Content-Type":["text/plain; charset=utf-8"]}', 'part x', 'part x', 'part x']);
    const left = 'GONE: nobody waits for the reply any more, or its time is over';
    // A status of 500 is not left standing: it would break the reply off.
    expect(lines.slice(4)).toEqual([`log 1 context canceled context canceled ${left}`, 'end 200', 'rest ']);
  });

  test('a large reply goes in parts, another whole', () => {
    expect(get('large')).toEqual([
      'head 200 {"Content-Type":["text/html; charset=utf-8"]}', 'part 3145728 bytes', 'part 3145728 bytes', 'part 3145728 bytes', 'end 200', 'rest last',
    ]);
    expect(get('whole')).toEqual(['end 200 {"Content-Type":["text/plain; charset=utf-8"]}', 'rest 1000000 bytes']);
  });

  test('a panic after the first part breaks the reply off', () => {
    expect(get('broken').slice(1)).toEqual(['part one', 'end 500', 'rest ']);
  });

  test('the host is reached through the context', () => {
    expect(get('ask')).toEqual(['ask echo [1,2]', expect.stringMatching(/^end 200 /), 'rest [1,2]<nil>']);
  });

  test('a deadline is there until the first part', () => {
    expect(get('context').slice(1)).toEqual(['part true <nil>', 'end 200', 'rest false <nil> <nil>']);
  });

  test('a route with StreamBody reads what comes, others have it', () => {
    const upload = { method: 'POST', body: 'streamed', headers: { 'content-length': '8' } };
    expect(get('upload', { ...upload, symbol: 'PluginStreamHandler' })).toEqual([
      'read stre', 'read amed', 'read ', expect.stringMatching(/^end 200 /), 'rest 8 streamed <nil>',
    ]);
    expect(get('upload', { ...upload, headers: {}, symbol: 'PluginStreamHandler' })).toContain('rest -1 streamed <nil>');
    expect(get('held', upload)).toEqual([expect.stringMatching(/^end 200 /), 'rest 8 streamed <nil>']);
    const routes = JSON.parse(asked(library(folder, 'parts'), [])[1]!.slice('routes '.length)) as { path: string; handler: string }[];
    expect(routes.filter(({ handler }) => handler === 'PluginStreamHandler').map(({ path }) => path)).toEqual(['/parts/upload']);
    const modes = call(library(folder, 'parts'), 'PluginRouteHandlerBody', 'PluginStreamHandlerBody').answers;
    expect([modes.PluginRouteHandlerBody?.status, modes.PluginStreamHandlerBody?.status]).toEqual([1, 3]);
  });
});

test('exported style: the example writes each event when it is there, and ends when its client has left', () => {
  const lines = (gone: number): string[] => asked(library(folder, 'go-stream'), ['GETTokensHandler'], { gone });
  const [head, ...events] = lines(1000);
  expect(head).toBe('head -1 Content-Type: text/event-stream');
  expect(events.filter((line) => line.startsWith('part id: '))).toHaveLength(6);
  expect(events.slice(-2)).toEqual(['end -1', 'rest event: done\\ndata:\\n\\n']);
  expect(lines(2).slice(-3)).toEqual(['part id: 1\\ndata: come\\n\\n', 'end -1', 'rest ']);
});
