import { Deadlines, type Timed } from '../../src/plugin/deadlines';
import { until } from '../support/until';

const told: string[] = [];

class Entry implements Timed {
  place = -1;
  readonly due: number;

  constructor(
    readonly name: string,
    limit: number,
    private readonly then: () => void = () => undefined,
  ) {
    this.due = performance.now() + limit;
  }

  look(): void {
    told.push(`${this.name}${this.due > performance.now() ? ' too early' : ''}`);
    this.then();
  }
}

beforeEach(() => told.splice(0));

test('each is looked at once, when it is due, whatever the order in which they come and go', async () => {
  const deadlines = new Deadlines();
  const entries = Array.from({ length: 500 }, (_, i) => new Entry(String(i), (i * 7919) % 200));
  for (const entry of entries) deadlines.add(entry);
  const removed = entries.filter((_, i) => i % 3 === 0);
  for (const entry of removed) deadlines.remove(entry);
  for (const entry of removed) deadlines.remove(entry);
  const left = entries.filter((entry) => !removed.includes(entry)).map(({ name }) => name);
  await until(() => told.length >= left.length);
  expect([...told].sort()).toEqual([...left].sort());
  expect(entries.every(({ place }) => place === -1)).toBe(true);
});

test('the earliest that has gone delays no other, and one that comes later may be the earliest', async () => {
  const deadlines = new Deadlines();
  const [gone, late, early] = [new Entry('gone', 20), new Entry('late', 120), new Entry('early', 40)];
  deadlines.add(late);
  deadlines.add(gone);
  deadlines.remove(gone);
  deadlines.add(early);
  await until(() => told.length === 2);
  expect(told).toEqual(['early', 'late']);
});

test('the end of one may be that of another, or the beginning', async () => {
  const deadlines = new Deadlines();
  const other = new Entry('other', 10);
  const next = new Entry('next', 10);
  deadlines.add(new Entry('first', 10, () => {
    deadlines.remove(other);
    deadlines.add(next);
  }));
  deadlines.add(other);
  await until(() => told.includes('next'));
  expect(told).toEqual(['first', 'next']);
});
