import { until } from '../../support/until';
import { closeAll, compileInnocent, isAlive, openLibrary, type Opened, type OpenOptions } from './harness';
import { Stream } from './streaming';

const SYMBOLS = ['GETPartsHandler', 'GETFaultHandler', 'GETUntilLeftHandler', 'GETPollHandler', 'GETForkHandler', 'GETEchoHandler', 'GETPidHandler', 'GETWaitHandler'];

afterEach(closeAll);

const open = (settings: OpenOptions['settings'] = {}): Promise<Opened> => openLibrary(compileInnocent('streams.c'), SYMBOLS, { settings });
const said = ({ lines }: Opened, text: string): Promise<unknown> => until(() => lines.some(({ msg }) => msg === text));

/** What GETPartsHandler writes. */
const expected = (parts: number, bytes: number): string =>
  `${Array.from({ length: parts }, (_, i) => `${i},`.padEnd(bytes, String.fromCharCode(97 + (i % 26)))).join('')}end`;

describe('a reply in parts', () => {
  it.each([[1, 1], [3, 10], [5000, 20], [100, 5000], [20, 100_000], [3, 2_000_000]])('comes in order and whole: %d of %d bytes', async (parts, bytes) => {
    const { plugin } = await open();
    const stream = new Stream(plugin, 'GETPartsHandler', { query: `parts=${parts}&bytes=${bytes}` });
    expect(await stream.ended()).toBe('end');
    expect(stream.text === expected(parts, bytes)).toBe(true);
    expect([stream.head!.status, stream.head!.headers.slice(0, 2)]).toEqual([201, ['X-Parts', 'yes']]);
    expect(plugin.outstanding).toBe(0);
  });

  it('has each part leave while the handler goes on', async () => {
    const opened = await open();
    const stream = new Stream(opened.plugin, 'GETUntilLeftHandler');
    await until(() => stream.text === 'here');
    expect(stream.ending).toBeUndefined();
    stream.exchange.abandon();
    await said(opened, 'left, write gives -1');
    expect(await opened.ask('GETEchoHandler')).toContain('"body":null}');
  });

  it('waits for a slow client, and keeps no more than a window of it', async () => {
    const opened = await open({ concurrency: 2 });
    const stream = new Stream(opened.plugin, 'GETPartsHandler', { query: 'parts=2000&bytes=10000', isSlow: true });
    await until(() => stream.length > 0);
    // Calls beside it are answered meanwhile, so the handler has had the time to write more, if it could.
    for (let i = 0; i < 50; i++) await opened.ask('GETEchoHandler');
    expect(stream.length).toBe(10_000);
    expect(opened.lines.some(({ msg }) => msg === 'written')).toBe(false);
    for (let taken = 0; taken < 30; taken++) stream.goOn(true);
    expect(stream.parts.length).toBeLessThanOrEqual(31);
    expect(stream.ahead).toBe(0);
    stream.goOn();
    expect(await stream.ended()).toBe('end');
    expect(stream.text === expected(2000, 10_000)).toBe(true);
  });

  it('ends a handler that waits for a client which leaves', async () => {
    const opened = await open();
    const stream = new Stream(opened.plugin, 'GETPartsHandler', { query: 'parts=2000&bytes=10000', isSlow: true });
    await until(() => stream.length > 0);
    stream.exchange.abandon();
    await said(opened, 'written');
    expect(opened.lines.find(({ msg }) => msg.startsWith('left at'))!.msg).toMatch(/^left at \d+ with -1, cancelled 1$/);
    expect(await opened.ask('GETEchoHandler')).toContain('"body":null}');
    expect(opened.deaths()).toEqual([]);
  });

  it('is not needed to hear that the client has left', async () => {
    const opened = await open();
    const stream = new Stream(opened.plugin, 'GETPollHandler');
    await said(opened, 'polling');
    stream.exchange.abandon();
    await said(opened, 'polled');
  });

  it('does not hear that its client has left where that still waits', async () => {
    const opened = await open();
    const stream = new Stream(opened.plugin, 'GETPollHandler');
    await said(opened, 'polling');
    // A limit that was reached as the call began: it goes on.
    expect(opened.plugin.withdraw(stream.exchange)).toBe(false);
    const other = new Stream(opened.plugin, 'GETPollHandler');
    stream.exchange.abandon();
    await said(opened, 'polled');
    expect(other.ending).toBeUndefined();
    await until(() => opened.lines.filter(({ msg }) => msg === 'polling').length === 2);
    other.exchange.abandon();
    await until(() => opened.lines.filter(({ msg }) => msg === 'polled').length === 2);
  });

  it('says nothing from a process that the handler has forked', async () => {
    const opened = await open();
    const stream = new Stream(opened.plugin, 'GETForkHandler');
    expect([await stream.ended(), stream.text]).toEqual(['end', 'parent,parent']);
    await said(opened, 'child: -1 -1 1 1');
  });
});

describe('a fault in mid-stream', () => {
  it.each([[1, 'PLUGIN_CRASHED'], [2, 'PLUGIN_CRASHED'], [5, 'PLUGIN_CRASHED'], [3, 'STREAM_BROKEN']])('fails after what was written (%d)', async (by, code) => {
    const opened = await open({ concurrency: 4, workers: 1 });
    for (let round = 0; round < 5; round++) {
      const stream = new Stream(opened.plugin, 'GETFaultHandler', { query: `by=${by}` });
      expect([await stream.ended(), stream.text]).toEqual([code, 'one,two']);
    }
    if (code === 'PLUGIN_CRASHED') await until(() => opened.deaths().length === 5);
    expect(await opened.ask('GETEchoHandler')).toContain('"body":null}');
    expect(opened.plugin.outstanding).toBe(0);
  });

  it('that hangs is ended when its client has left, as any call', async () => {
    const opened = await open({ timeout: 300 });
    const pid = Number(await opened.ask('GETPidHandler'));
    const stream = new Stream(opened.plugin, 'GETFaultHandler', { query: 'by=4', timeout: 300 });
    await until(() => stream.text === 'one,two');
    opened.plugin.expire(stream.exchange);
    await until(() => !isAlive(pid));
    expect(await opened.ask('GETEchoHandler')).toContain('"body":null}');
  });
});
