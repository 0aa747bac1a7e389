import { Vigil } from '../../src/ground/vigil';

/** A vigil after so many turns with one call each. */
function after(turns: number): Vigil {
  const vigil = new Vigil();
  for (let i = 0; i < turns; i++) vigil.turned(true);
  return vigil;
}

/** How many of so many lone calls are waited for. */
function waitedFor(vigil: Vigil, calls: number, hasCome: boolean): number {
  let waits = 0;
  for (let i = 0; i < calls; i++) {
    if (vigil.begins()) {
      waits++;
      vigil.ended(hasCome);
    } else {
      vigil.turned(true);
    }
  }
  return waits;
}

test('only calls that follow some lone ones are waited for', () => {
  expect(new Vigil().begins()).toBe(false);
  expect(after(15).begins()).toBe(false);
  expect(after(16).begins()).toBe(true);
});

test('calls that come together end it, until they are alone again', () => {
  const vigil = after(16);
  vigil.turned(false);
  expect(vigil.begins()).toBe(false);
  expect(waitedFor(vigil, 100, true)).toBe(84);
});

test('as long as calls come back in time, each is waited for', () => {
  expect(waitedFor(after(16), 1000, true)).toBe(1000);
});

test('vain waits become rare, and never cease', () => {
  expect(waitedFor(after(16), 2570, false)).toBe(10);
});

test('where every fourth wait is vain, it does not pay', () => {
  const vigil = after(16);
  let waits = 0;
  for (let i = 0; i < 2570; i++) waits += waitedFor(vigil, 1, i % 4 !== 0);
  expect(waits).toBeLessThan(100);
});

test('a vain wait now and then ends nothing', () => {
  const vigil = after(16);
  waitedFor(vigil, 20, true);
  expect(waitedFor(vigil, 1, false)).toBe(1);
  expect(waitedFor(vigil, 1000, true)).toBe(1000);
});

test('after vain waits it is found again that calls come back in time', () => {
  const vigil = after(16);
  waitedFor(vigil, 10_000, false);
  waitedFor(vigil, 1000, true);
  expect(waitedFor(vigil, 1000, true)).toBe(1000);
});
