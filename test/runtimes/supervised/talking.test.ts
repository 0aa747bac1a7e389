import type { Services } from '../../../src/plugin/services';
import { closeAll, compileInnocent, openLibrary } from './harness';
import { Stream } from './streaming';

const services: Services = { ask: (_, __, json) => Promise.resolve({ isOk: true, json }), log: () => undefined };

let lateness: NodeJS.Timeout | undefined;

afterEach(() => clearInterval(lateness));
afterEach(closeAll);

/** From now on each turn of the event loop takes so many milliseconds. */
function beLate(milliseconds: number): void {
  lateness = setInterval(() => {
    for (const end = performance.now() + milliseconds; performance.now() < end; );
  }, 1);
}

it('a handler of which a line is on its way whenever the host looks is not taken for one that has stopped', async () => {
  const { ask, deaths } = await openLibrary(compileInnocent('talkative.c'), ['GETLogHandler'], { services });
  expect(await ask('GETLogHandler', { query: 'milliseconds=4000' })).toBe('logged');
  expect(deaths()).toEqual([]);
});

it('nor is one that asks a host that is late', async () => {
  const { plugin, lines } = await openLibrary(compileInnocent('questions.c'), ['GETMixHandler'], { services, settings: { concurrency: 4 } });
  beLate(300);
  const streams = Array.from({ length: 8 }, () => new Stream(plugin, 'GETMixHandler', { query: 'parts=6' }));
  for (const stream of streams) expect(await stream.ended()).toBe('end');
  expect(lines.filter(({ level }) => level > 30)).toEqual([]);
});
