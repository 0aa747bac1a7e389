import { cut, LimitedLog } from '../../src/ground/limited-log';
import { recordedLog } from '../support/log';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const { log, lines } = recordedLog();
const limited = new LimitedLog(log, (topic) => ({ about: topic }));

/** Writes so many lines; how many of them were logged. */
function write(count: number, topic: string): number {
  const before = lines.length;
  for (let i = 0; i < count; i++) limited.write('warn', topic, () => ({ i }), 'words');
  return lines.length - before;
}

test('fifty lines of a topic come at once, then ten a second; each second tells how many others there were', () => {
  expect([write(60, 'a'), write(60, 'b')]).toEqual([50, 50]);
  expect(lines[0]).toEqual({ level: 40, i: 0, msg: 'words' });
  jest.advanceTimersByTime(1000);
  expect(lines.splice(0).slice(100)).toEqual([
    { level: 40, about: 'a', leftOut: 10, msg: '10 more lines were left out: a' },
    { level: 40, about: 'b', leftOut: 10, msg: '10 more lines were left out: b' },
  ]);
  expect(write(60, 'a')).toBe(10);
  jest.advanceTimersByTime(1000);
  expect(lines.at(-1)).toMatchObject({ leftOut: 50 });
  jest.advanceTimersByTime(60_000);
  expect(write(60, 'a')).toBe(50);
});

test('text is cut to what a line takes', () => {
  expect([cut(''), cut('x'.repeat(256))]).toEqual(['', 'x'.repeat(256)]);
  expect(cut('x'.repeat(257))).toBe(`${'x'.repeat(255)}…`);
});
