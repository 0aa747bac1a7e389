import { readdirSync } from 'node:fs';
import { makeCall } from '../../support/runtime';
import { until } from '../../support/until';
import { closeAll, compileInnocent, isAlive, openLibrary, type Opened } from './harness';

const left: number[] = [];

afterEach(async () => {
  await closeAll();
  for (const pid of left.splice(0)) process.kill(pid, 'SIGKILL');
});

const ends = ({ lines }: Opened): number => lines.filter(({ msg }) => msg === 'last words').length;

it('what a plugin prints before it crashes is logged to the last line, also by a host that is busy then', async () => {
  const opened = await openLibrary(compileInnocent('last_words.c'), ['GETFaultHandler']);
  const busy = (): void => {
    for (const end = performance.now() + 500; performance.now() < end; );
  };
  // All of the output and the end come at once, and then a deadline for reading it passes.
  opened.plugin.call(makeCall(opened.plugin, 0, {}, busy));
  busy();
  await until(() => opened.deaths().length === 1);
  await until(() => ends(opened) === 1);
  expect(opened.lines.filter(({ msg }) => /^\d{60}$/.test(msg))).toHaveLength(2900);
});

(process.platform === 'linux' ? it : it.skip)('a process that a plugin leaves behind keeps no descriptor of the host', async () => {
  const opened = await openLibrary(compileInnocent('last_words.c'), ['GETLeaveHandler', 'GETPidHandler']);
  await opened.ask('GETPidHandler');
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 1; i <= 5; i++) {
    expect(await opened.ask('GETLeaveHandler')).toBe('PLUGIN_CRASHED');
    await until(() => ends(opened) === i);
  }
  left.push(...opened.lines.flatMap(({ msg }) => /^left (\d+)$/.exec(msg)?.[1] ?? []).map(Number));
  expect([left.length, left.every(isAlive)]).toEqual([5, true]);
  await opened.ask('GETPidHandler');
  await until(() => readdirSync('/proc/self/fd').length <= before, 10_000);
});
