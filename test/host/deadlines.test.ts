import { Deadlines, type Timed } from '../../src/host/deadlines';
import { until } from '../support/until';

class Entry implements Timed {
  slot = -1;
  next: Timed | null = null;
  previous: Timed | null = null;
  passedAt = 0;
  constructor(readonly deadline: number) {}
}

const inMs = (ms: number): Entry => new Entry(performance.now() + ms);

describe('deadlines', () => {
  test('each fires once, and none before its time', async () => {
    const fired: Entry[] = [];
    const deadlines = new Deadlines<Entry>((entry) => {
      entry.passedAt = performance.now();
      fired.push(entry);
    });
    const entries = Array.from({ length: 200 }, (_, i) => inMs((i * 7) % 150));
    for (const entry of entries) deadlines.add(entry);
    await until(() => fired.length >= entries.length);
    expect(new Set(fired).size).toBe(entries.length);
    expect(entries.filter((entry) => entry.passedAt < entry.deadline)).toEqual([]);
  });

  test('a removed entry never fires', async () => {
    const fired: Entry[] = [];
    const deadlines = new Deadlines<Entry>((entry) => fired.push(entry));
    const [first, second, third] = [inMs(20), inMs(20), inMs(20)];
    for (const entry of [first, second, third]) deadlines.add(entry);
    deadlines.remove(second);
    deadlines.remove(second);
    await until(() => fired.length === 2);
    expect(fired).not.toContain(second);
  });

  test('the end of one entry may end others of its slot', async () => {
    const fired: Entry[] = [];
    const entries = Array.from({ length: 10 }, () => new Entry(performance.now() + 20));
    const deadlines: Deadlines<Entry> = new Deadlines<Entry>((entry) => {
      fired.push(entry);
      for (const other of entries) deadlines.remove(other);
    });
    for (const entry of entries) deadlines.add(entry);
    const sentinel = inMs(60);
    deadlines.add(sentinel);
    await until(() => fired.includes(sentinel));
    expect(fired).toHaveLength(2);
  });

  test('a deadline beyond one revolution of the wheel waits for its own', async () => {
    const fired: Entry[] = [];
    const deadlines = new Deadlines<Entry>((entry) => fired.push(entry));
    const far = inMs(1024 * 10 + 40);
    const near = inMs(40);
    deadlines.add(far);
    deadlines.add(near);
    await until(() => fired.length > 0);
    expect(fired).toEqual([near]);
    deadlines.remove(far);
  });
});
