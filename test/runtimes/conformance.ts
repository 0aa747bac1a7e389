import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HOST_ABI } from '../../src/binary/exports';
import { MAX_REPLY } from '../../src/plugin/reply';
import type { Fault } from '../../src/plugin/fault';
import { ANY_CONCURRENCY, type Instance, type PluginSettings, type Runtime } from '../../src/plugin/runtime';
import { compileFixture } from '../support/compile';
import { bytesOf, callHandler, callWithin, copyLibrary, head, makeCall, pluginSource, textOf } from '../support/runtime';
import { until } from '../support/until';

/** The bytes of the exchange, by ABI. */
const SIZES = { 1: '56', [HOST_ABI]: '64' } as const;

/** In what the modes may differ. */
export interface ConformanceOptions {
  /** A handler's call ends before call() returns, and none waits: mode "inline". */
  readonly inline?: boolean;
  /** The capacity of a plugin that allows any number of threads. */
  readonly anyCapacity?: number;
  /** The ABI that a library can have; the host's unless given. */
  readonly abi?: 1;
}

/**
 * Registers the tests that every runtime must pass whole: the same library gives the same bytes, whatever the mode.
 * @param name of the runtime, for the report
 * @param createRuntime makes a fresh one
 */
export function conformance(name: string, createRuntime: () => Runtime, options: ConformanceOptions = {}): void {
  const inline = options.inline ?? false;
  const abi = options.abi ?? HOST_ABI;

  describe(`${name} runs libraries as the contract says`, () => {
    let runtime: Runtime;
    let scratch: string;
    const opened: Instance[] = [];

    beforeAll(() => {
      runtime = createRuntime();
      scratch = mkdtempSync(path.join(tmpdir(), 'dlserve-conformance-'));
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((plugin) => plugin.close(5000)));
    });
    afterAll(() => rmSync(scratch, { recursive: true, force: true }));

    const openPath = async (library: string, symbols: string[], settings: Partial<PluginSettings> = {}): Promise<Instance> => {
      // Configured anew it must be another library: one without PluginStop stays as it was initialised.
      const plugin = await runtime.open(pluginSource(settings.config === undefined ? library : copyLibrary(library), { symbols, settings }));
      opened.push(plugin);
      return plugin;
    };
    const open = (fixture: string, symbols: string[], settings?: Partial<PluginSettings>): Promise<Instance> =>
      openPath(compileFixture(fixture), symbols, settings);

    describe('the request', () => {
      const bodyOf = async (body: Buffer): Promise<unknown> => {
        const plugin = await open('echo.c', ['POSTEchoHandler']);
        const echoed = bytesOf(await callHandler(plugin, 0, { body }))!.toString();
        expect(echoed.startsWith(head())).toBe(true);
        return (JSON.parse(echoed) as { body: unknown }).body;
      };

      it('arrives byte for byte', async () => {
        const plugin = await open('echo.c', ['GETEchoHandler']);
        const query = 'abc=123&abc=&%C3%BC=%F0%9F%98%80&q=%22%5C%00%1F';
        expect(textOf(await callHandler(plugin, 0, { query }))).toBe(`${head(query)}null}`);
      });

      it('arrives whole when it is long', async () => {
        const plugin = await open('echo.c', ['GETEchoHandler']);
        for (const length of [4000, 4096, 8192, 65_536, 200_000]) {
          const query = `long=${'ü'.repeat(length)}`;
          expect(textOf(await callHandler(plugin, 0, { query }))).toBe(`${head(query)}null}`);
        }
      });

      it('carries its body as JSON.stringify writes it', async () => {
        const plugin = await open('echo.c', ['POSTEchoHandler']);
        const controls = Array.from({ length: 0x21 }, (_, code) => String.fromCharCode(code)).join('');
        for (const text of ['', 'x', 'plain text of more than eight', `${controls}"\\/\x7f`, 'ünï\u2028\u2029\ufeff😀', '"', '\\'.repeat(9)]) {
          const reply = await callHandler(plugin, 0, { body: Buffer.from(text) });
          expect(textOf(reply)).toBe(`${head()}${JSON.stringify(text)}}`);
        }
      });

      it.each([
        ['a lone continuation', [0x80]],
        ['an overlong slash', [0xc0, 0xaf]],
        ['a surrogate', [0xed, 0xa0, 0x80]],
        ['a code point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
        ['a sequence cut off', [0x61, 0xf0, 0x9f, 0x98]],
        ['a bad byte behind good ones', [...Buffer.from('good and plain, '), 0xff]],
      ])('carries null for a body with %s', async (_, bytes) => {
        expect(await bodyOf(Buffer.from(bytes))).toBeNull();
      });

      it('carries a body of 1 MB, the worst to escape too', async () => {
        const text = 'ä"\n\x01 plain '.repeat(80_000);
        expect(await bodyOf(Buffer.from(text))).toBe(text);
        const worst = '\x01'.repeat(1024 * 1024);
        expect(await bodyOf(Buffer.from(worst))).toBe(worst);
      });

      it('carries any large body exactly', async () => {
        const pieces = ['plain text, and more of it ', '"', '\\', '\n\t\b\f\r\v', '\x00\x1f', '\x7f', 'ü', '€', '😀'];
        for (let length = 180_000; length < 180_017; length++) {
          let text = '';
          for (let i = length; text.length < length; i = (i * 48_271) % 2_147_483_647) text += pieces[i % pieces.length]!;
          expect((await bodyOf(Buffer.from(text))) === text).toBe(true);
          expect(await bodyOf(Buffer.from(`${text}\xff`, 'latin1'))).toBeNull();
        }
      });

      it('reaches handlers with none, one, two and three parameters', async () => {
        const plugin = await open('parameters.c', ['GETNoneHandler', 'GETOneHandler', 'GETTwoHandler', 'GETThreeHandler']);
        const replies = await Promise.all([0, 1, 2, 3].map((symbol) => callHandler(plugin, symbol)));
        expect(replies.map((reply) => [textOf(reply), reply.status, reply.headers])).toEqual([
          ['none', -1, null],
          ['one', -1, null],
          ['two', 202, null],
          ['three', 203, 'X-Three: yes\n'],
        ]);
      });
    });

    describe('the exchange', () => {
      it('holds size, ABI, body, deadline, and nothing to begin with', async () => {
        const plugin = await open('exchange.c', ['POSTExchangeHandler']);
        const before = Date.now();
        const reply = await callHandler(plugin, 0, { body: Buffer.from('four'), deadline: performance.now() + 5000 });
        const [size, number, pointer, length, deadline, zero] = textOf(reply)!.split(' ');
        expect([size, number, pointer, length, zero]).toEqual([SIZES[abi], String(abi), 'body', '4', '1']);
        expect(Number(deadline)).toBeGreaterThanOrEqual(before + 4990);
        expect(Number(deadline)).toBeLessThanOrEqual(Date.now() + 5010);
        const own = Number(textOf(await callHandler(plugin, 0, { deadline: performance.now() + 90_000 }))!.split(' ')[4]);
        expect(own).toBeGreaterThanOrEqual(before + 29_990);
        expect(own).toBeLessThanOrEqual(Date.now() + 30_010);
      });

      it('has a null body where the request has none or an empty one', async () => {
        const plugin = await open('exchange.c', ['POSTExchangeHandler']);
        const nothing = new RegExp(`^${SIZES[abi]} ${abi} null 0 \\d+ 1$`);
        expect(textOf(await callHandler(plugin, 0))).toMatch(nothing);
        expect(textOf(await callHandler(plugin, 0, { body: Buffer.alloc(0) }))).toMatch(nothing);
      });

      it('carries raw bytes in and out', async () => {
        const plugin = await open('bytes.c', ['POSTBytesHandler', 'GETAllBytesHandler']);
        const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
        expect(bytesOf(await callHandler(plugin, 1))).toEqual(all);
        for (const body of [all, Buffer.from('text'), Buffer.from([0]), Buffer.alloc(1024 * 1024, 0xa5)]) {
          expect(bytesOf(await callHandler(plugin, 0, { body }))!.equals(body)).toBe(true);
        }
      });

      it('has the body as its handler says that it takes it', async () => {
        const plugin = await open('raw_bodies.c', ['POSTRawHandler', 'POSTTextHandler']);
        const body = Buffer.from('"text"');
        expect(textOf(await callHandler(plugin, 0, { body }))).toBe(`${head()}null}`);
        expect(textOf(await callHandler(plugin, 1, { body }))).toBe(`${head()}${JSON.stringify(body.toString())}}`);
      });

      it('replaces the string by the bytes where both are given', async () => {
        const plugin = await open('bytes.c', ['GETBothHandler', 'GETNoBytesHandler']);
        expect(textOf(await callHandler(plugin, 0))).toBe('bytes');
        expect(textOf(await callHandler(plugin, 1))).toBe('');
      });
    });

    describe('the reply', () => {
      it('has the status that the handler stored, -1 where it stored none', async () => {
        const plugin = await open('status.c', ['GETStartHandler', 'GETTeapotHandler']);
        expect(await callHandler(plugin, 0).then((reply) => [textOf(reply), reply.status])).toEqual(['-1', -1]);
        expect(await callHandler(plugin, 1).then((reply) => [textOf(reply), reply.status])).toEqual(['short and stout', 418]);
      });

      it('is handed on as it is where status or headers are bad', async () => {
        expect((await callHandler(await open('bad_status.c', ['GETBadStatusHandler']), 0)).status).toBe(99);
        expect((await callHandler(await open('bad_headers.c', ['GETBadHeadersHandler']), 0)).headers).toBe('no colon here\n');
      });

      it('carries headers as latin1', async () => {
        const plugin = await open('headers.c', ['GETHeadersHandler']);
        expect((await callHandler(plugin, 0)).headers).toBe('Content-Type: text/plain\r\nX-Name: caf\xe9\n');
      });

      it('has no body where the handler gave none, and an empty one for ""', async () => {
        expect((await callHandler(await open('null_reply.c', ['GETNullReplyHandler']), 0)).body).toBeNull();
        expect(textOf(await callHandler(await open('empty_reply.c', ['GETEmptyReplyHandler']), 0))).toBe('');
      });

      it('is bytes, decoded by nobody', async () => {
        const invalid = await callHandler(await open('invalid_utf8.c', ['GETInvalidUtf8Handler']), 0);
        expect(bytesOf(invalid)).toEqual(Buffer.from('a\xff\xfe\xc3(\xed\xa0\x80z', 'latin1'));
        const valid = await callHandler(await open('utf8_reply.c', ['GETUtf8ReplyHandler']), 0);
        expect(Buffer.isBuffer(valid.body)).toBe(true);
        expect(textOf(valid)).toBe('grüß 😀');
      });

      it('may have 64 MB', async () => {
        const plugin = await open('big_reply.c', ['GETBigReplyHandler']);
        const bytes = bytesOf(await callHandler(plugin, 0))!;
        expect(bytes.length).toBe(64 * 1024 * 1024);
        const alphabet = Buffer.from('abcdefghijklmnopqrstuvwxyz');
        expect(bytes.equals(Buffer.alloc(bytes.length, alphabet))).toBe(true);
      });

      it('is refused over the limit, and the next one is not', async () => {
        const plugin = await open('over_limit.c', ['GETOverLimitHandler']);
        const refusal = { code: 'REPLY_TOO_LARGE', message: expect.stringContaining(`of ${MAX_REPLY + 1} bytes`) as unknown };
        for (let i = 0; i < 2; i++) await expect(callHandler(plugin, 0)).rejects.toMatchObject(refusal);
      });

      it('keeps its own bytes when many are in flight', async () => {
        const plugin = await open('echo.c', ['GETEchoHandler'], { concurrency: 4 });
        const queries = Array.from({ length: 500 }, (_, i) => `n=${i}&pad=${'p'.repeat((i * 37) % 3000)}`);
        const replies = await Promise.all(queries.map((query) => callHandler(plugin, 0, { query })));
        expect(replies.map(textOf)).toEqual(queries.map((query) => `${head(query)}null}`));
      });
    });

    describe('memory', () => {
      const counts = async (plugin: Instance): Promise<string> => textOf(await callHandler(plugin, 3))!;
      const symbols = ['GETStringHandler', 'GETThreeHandler', 'GETOneBlockHandler', 'GETCountsHandler', 'GETNothingHandler'];

      it('that the library gives is freed once a block, NULL never', async () => {
        const plugin = await open('gives.c', symbols);
        const [given = 0, freed = 0] = (await counts(plugin)).split(' ').map(Number);
        for (let i = 0; i < 10; i++) await callHandler(plugin, 0);
        expect(await counts(plugin)).toBe(`${given + 10} ${freed + 10} 0`);
        const three = await callHandler(plugin, 1);
        expect([textOf(three), three.headers]).toEqual(['body', 'X-Given: yes\n']);
        expect(await counts(plugin)).toBe(`${given + 13} ${freed + 13} 0`);
        const one = await callHandler(plugin, 2);
        expect([textOf(one), one.headers]).toEqual(['X-One: block\n', 'X-One: block\n']);
        expect(await counts(plugin)).toBe(`${given + 14} ${freed + 14} 0`);
        expect((await callHandler(plugin, 4)).body).toBeNull();
        expect(await counts(plugin)).toBe(`${given + 14} ${freed + 14} 0`);
      });

      it('of a library without PluginFree is left alone', async () => {
        const plugin = await open('borrowed.c', ['GETBorrowedHandler']);
        for (let i = 0; i < 10; i++) expect(textOf(await callHandler(plugin, 0))).toBe('mine');
      });

      it('has stack enough for real code', async () => {
        const plugin = await open('deep_stack.c', ['GETDeepStackHandler']);
        expect(textOf(await callHandler(plugin, 0))).toBe('deep');
      });
    });

    describe('the life of a library', () => {
      it('gives PluginInit the configuration, once', async () => {
        const config = { greeting: 'hi "ü"\n', list: [1, { deep: null }] };
        const initAndConfig = async (): Promise<[number, string]> => {
          const plugin = await open('init_config.c', ['GETConfigHandler'], { config });
          const texts = [textOf(await callHandler(plugin, 0))!, textOf(await callHandler(plugin, 0))!];
          expect(texts[1]).toBe(texts[0]);
          const space = texts[0]!.indexOf(' ');
          return [Number(texts[0]!.slice(0, space)), texts[0]!.slice(space + 1)];
        };
        const [times, json] = await initAndConfig();
        expect(json).toBe(JSON.stringify(config));
        // A library without PluginStop may have stayed in memory, and then goes on counting.
        expect([1, times + 1]).toContain((await initAndConfig())[0]);
      });

      it('accepts a library that names the ABI of the host, unless the native parts are missing that this takes', async () => {
        const opening = open('same_abi.c', ['GETHelloHandler']);
        if (abi === HOST_ABI) expect(textOf(await callHandler(await opening, 0))).toBe('hello');
        else await expect(opening).rejects.toMatchObject({ code: 'ABI_UNSUPPORTED', message: expect.stringMatching(/ABI 2, this host knows ABI 1: .*npm rebuild dlserve$/) as unknown });
      });

      it('runs init, calls, stop, and then lets go of the library', async () => {
        const trace = path.join(scratch, `trace-${Date.now()}`);
        const plugin = await runtime.open(
          pluginSource(compileFixture('stop.c'), { symbols: ['GETCallHandler'], settings: { config: { trace } } }),
        );
        const call = callHandler(plugin, 0);
        await plugin.close(10_000);
        expect(textOf(await call)).toBe('called');
        await until(() => readFileSync(trace, 'utf8') === 'init\ncall\nstop\nunloaded\n');
      });

      it('takes no call once it is closing', async () => {
        const plugin = await runtime.open(pluginSource(compileFixture('echo.c'), { symbols: ['GETEchoHandler'] }));
        const closing = plugin.close(5000);
        await expect(callHandler(plugin, 0)).rejects.toMatchObject({ code: 'STOPPING' });
        await closing;
        await expect(callHandler(plugin, 0)).rejects.toMatchObject({ code: 'STOPPING' });
        expect(plugin.outstanding).toBe(0);
      });
    });

    // A library that was cut off isn't among them: dlopen itself crashes on one, so the host refuses it when it reads it.
    describe('a library that can not be opened', () => {
      const refused = (library: string, code: string, words: RegExp): Promise<void> =>
        expect(runtime.open(pluginSource(library, { symbols: ['GETNeverHandler'] }))).rejects.toMatchObject({
          name: 'DlserveError',
          code,
          message: expect.stringMatching(words) as unknown,
        });

      const file = (name: string, content: string): string => {
        const at = path.join(scratch, name);
        writeFileSync(at, content);
        return at;
      };

      it('because it is a text file', () => refused(file('text.so', 'hello\n'), 'LOAD_FAILED', /text\.so did not load: .{8}/));
      it('because it is empty', () => refused(file('empty.so', ''), 'LOAD_FAILED', /empty\.so did not load: .{8}/));
      it('because it is not there', () => refused(path.join(scratch, 'none.so'), 'LOAD_FAILED', /none\.so did not load: .{8}/));
      it('because it is a directory', () => {
        mkdirSync(path.join(scratch, 'directory.so'), { recursive: true });
        return refused(path.join(scratch, 'directory.so'), 'LOAD_FAILED', /directory\.so did not load: .{8}/);
      });
      it('because a symbol is unresolved', () =>
        refused(compileFixture('unresolved.c'), 'LOAD_FAILED', /unresolved\.so did not load: .*a_function_that_nobody_wrote/));
      it('because a handler is missing', () =>
        refused(compileFixture('echo.c'), 'LOAD_FAILED', /echo\.so did not load: .*GETNeverHandler/));
      it('because its ABI is too new', () =>
        refused(compileFixture('new_abi.c'), 'ABI_UNSUPPORTED', /new_abi\.so was written for ABI 999, this host knows ABI 2: update dlserve/));
      it('because it takes bodies in a way that there is not', () =>
        refused(compileFixture('bad_body.c'), 'LOAD_FAILED', /bad_body\.so did not load: PluginBody returned 7, which is no DLSERVE_BODY_ of 0 to 3$/));
      it('because PluginInit refuses, with its words', () =>
        refused(compileFixture('init_fails.c'), 'INIT_FAILED', /PluginInit of init_fails\.so failed: no greeting in the config, café$/));
      it('because PluginInit refuses, without a word', () =>
        refused(compileFixture('init_fails_silently.c'), 'INIT_FAILED', /init_fails_silently\.so failed: .*\b7\b/));
    });

    describe('concurrency', () => {
      it('is one where the library says nothing, and calls keep their order', async () => {
        const plugin = await open('serial.c', ['GETTagHandler', 'GETOrderHandler', 'GETMostHandler']);
        expect(plugin.capacity).toBe(1);
        const before = textOf(await callHandler(plugin, 1))!;
        const tags = 'abcdefghijklmnopqrstuvwxyz0123456789';
        await Promise.all(Array.from(tags, (tag) => callHandler(plugin, 0, { query: `tag=${tag}` })));
        expect(textOf(await callHandler(plugin, 1))).toBe(before + tags);
        expect(textOf(await callHandler(plugin, 2))).toBe('1');
      });

      it('counts what is outstanding', async () => {
        const plugin = await open('serial.c', ['GETTagHandler']);
        expect(plugin.outstanding).toBe(0);
        const calls = [1, 2, 3].map(() => callHandler(plugin, 0));
        expect(plugin.outstanding).toBe(inline ? 0 : 3);
        await Promise.all(calls);
        expect(plugin.outstanding).toBe(0);
      });

      if (inline) {
        it('is one, whatever the library says', async () => {
          expect((await open('parallel.c', ['GETMeetHandler'])).capacity).toBe(1);
        });

        it('settles a call before call() returns', async () => {
          const plugin = await open('echo.c', ['GETEchoHandler']);
          const settled = jest.fn();
          plugin.call(makeCall(plugin, 0, {}, settled));
          expect(settled).toHaveBeenCalledTimes(1);
        });
        return;
      }

      it('is what PluginConcurrency says', async () => {
        const plugin = await open('two_threads.c', ['GETEnterHandler', 'GETMostHandler']);
        expect(plugin.capacity).toBe(2);
        await Promise.all(Array.from({ length: 20 }, () => callHandler(plugin, 0)));
        expect(['1', '2']).toContain(textOf(await callHandler(plugin, 1)));
      });

      it('is any number for 0: calls that wait for each other meet', async () => {
        const plugin = await open('parallel.c', ['GETMeetHandler']);
        expect(plugin.capacity).toBe(options.anyCapacity ?? ANY_CONCURRENCY);
        const replies = await Promise.all([callHandler(plugin, 0), callHandler(plugin, 0)]);
        expect(replies.map(textOf)).toEqual(['met', 'met']);
      });

      it('is what the configuration says, over the library', async () => {
        const serial = await open('serial.c', ['GETTagHandler'], { concurrency: 2 });
        expect(serial.capacity).toBe(2);
        const parallel = await open('parallel.c', ['GETMeetHandler'], { concurrency: 1 });
        expect(parallel.capacity).toBe(1);
      });

      it.each(['expire', 'withdraw'] as const)('never runs a call that waited when its end came (%s)', async (end) => {
        const gate = path.join(scratch, `gate-${end}`);
        const plugin = await open('gate.c', ['GETWaitHandler', 'GETBegunHandler'], { config: { gate } });
        const before = Number(textOf(await callHandler(plugin, 1)));
        const first = callHandler(plugin, 0);
        const settled = jest.fn();
        const second = makeCall(plugin, 0, {}, settled);
        plugin.call(second);
        const last = callHandler(plugin, 1);
        expect(plugin.outstanding).toBe(3);
        expect(plugin[end](second)).toBe(end === 'withdraw' ? true : undefined);
        expect(plugin.outstanding).toBe(2);
        writeFileSync(gate, '');
        expect(textOf(await first)).toBe('through');
        expect(textOf(await last)).toBe(String(before + 1));
        expect(settled).not.toHaveBeenCalled();
        expect(plugin.outstanding).toBe(0);
      });

      it('gives a call its time in the handler, however long it has waited for its turn', async () => {
        const plugin = await open('takes.c', ['GETTakesHandler'], { timeout: 500 });
        const limits = { timeout: 500, queueTimeout: 20_000 };
        const before = Array.from({ length: 8 }, () => callWithin(plugin, 0, limits, { query: 'ms=200' }));
        const start = performance.now();
        expect(await callWithin(plugin, 0, limits, { query: 'ms=1' })).toBe('taken');
        expect(performance.now() - start).toBeGreaterThan(3 * limits.timeout);
        expect(await Promise.all(before)).toEqual(before.map(() => 'taken'));
      });

      describe('while one call waits inside', () => {
        const faults: Fault[] = [];
        let gate: string;
        let plugin: Instance;

        beforeEach(async () => {
          faults.splice(0);
          gate = path.join(mkdtempSync(path.join(scratch, 'limits-')), 'gate');
          const observer = { resting: () => undefined, fault: (fault: Fault) => void faults.push(fault) };
          const symbols = ['GETWaitHandler', 'GETBegunHandler', 'GETPidHandler'];
          plugin = await runtime.open(pluginSource(copyLibrary(compileFixture('gate.c')), { symbols, settings: { config: { gate } }, observer }));
          opened.push(plugin);
        });

        it('it is told when that began, and that another has not', async () => {
          const calls = [0, 1].map(() => makeCall(plugin, 0, {}, () => undefined));
          const before = performance.now();
          for (const call of calls) plugin.call(call);
          await until(() => existsSync(`${gate}.begun`));
          const after = performance.now();
          const at = plugin.begunAt(calls[0]!);
          // The clock that a thread reads may be that of the last tick.
          expect(at).toBeGreaterThanOrEqual(before - 20);
          expect(at).toBeLessThanOrEqual(after);
          expect(plugin.begunAt(calls[1]!)).toBeUndefined();
          writeFileSync(gate, '');
          await until(() => plugin.outstanding === 0);
          expect(calls.map((call) => plugin.begunAt(call))).toEqual([undefined, undefined]);
        });

        it('one that has waited for too long is not made', async () => {
          const first = callWithin(plugin, 0, {});
          const start = performance.now();
          expect(await callWithin(plugin, 0, { queueTimeout: 50 })).toBe('QUEUE_TIMEOUT');
          expect(performance.now() - start).toBeGreaterThanOrEqual(50);
          expect(plugin.outstanding).toBe(1);
          writeFileSync(gate, '');
          expect(await first).toBe('through');
          expect(await callWithin(plugin, 1, {})).toBe('1');
        });

        it('a client that does not wait for it harms nobody', async () => {
          const pid = await callWithin(plugin, 2, {});
          expect(await callWithin(plugin, 0, { own: 300 })).toBe('TIMEOUT');
          const behind = callWithin(plugin, 0, {});
          expect(await callWithin(plugin, 0, { own: 20 })).toBe('TIMEOUT');
          expect(plugin.outstanding).toBe(2);
          writeFileSync(gate, '');
          expect(await behind).toBe('through');
          expect(await Promise.all([1, 2].map((symbol) => callWithin(plugin, symbol, {})))).toEqual(['2', pid]);
          expect([plugin.outstanding, faults]).toEqual([0, []]);
        });

        it('it is a fault when it has had its time', async () => {
          const hung = callWithin(plugin, 0, { timeout: 400, queueTimeout: 20_000, own: 300 }, { id: 'hung' });
          expect(await hung).toBe('TIMEOUT');
          await until(() => faults.length > 0);
          expect(faults).toEqual([expect.objectContaining({ kind: 'hang', calls: [{ handler: 'GETWaitHandler', request: 'hung' }] })]);
          writeFileSync(gate, '');
          expect(await callWithin(plugin, 0, {})).toBe('through');
        });
      });

      it('sees a call to its end that had begun when it was withdrawn', async () => {
        const gate = path.join(scratch, 'gate-begun');
        const plugin = await open('gate.c', ['GETWaitHandler'], { config: { gate } });
        const settled = jest.fn();
        const call = makeCall(plugin, 0, {}, settled);
        plugin.call(call);
        await until(() => existsSync(`${gate}.begun`));
        expect(plugin.withdraw(call)).toBe(false);
        writeFileSync(gate, '');
        await until(() => settled.mock.calls.length === 1);
        expect(settled.mock.calls[0]).toEqual([null, expect.objectContaining({ status: -1 })]);
        expect(plugin.outstanding).toBe(0);
      });
    });
  });
}
