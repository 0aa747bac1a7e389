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
  expect(after(3).begins()).toBe(false);
  expect(after(4).begins()).toBe(true);
});

test('calls that come together end it, until they are alone again', () => {
  const vigil = after(4);
  vigil.turned(false);
  expect(vigil.begins()).toBe(false);
  expect(waitedFor(vigil, 100, true)).toBe(96);
});

test('as long as calls come back in time, each is waited for', () => {
  expect(waitedFor(after(4), 1000, true)).toBe(1000);
});

test('vain waits become rare, and never cease', () => {
  const vigil = after(4);
  expect(waitedFor(vigil, 10_000, false)).toBeLessThan(20);
  expect(waitedFor(vigil, 10_000, false)).toBe(10);
});

test('after vain waits it is found again that calls come back in time', () => {
  const vigil = after(4);
  waitedFor(vigil, 10_000, false);
  waitedFor(vigil, 10_000, true);
  expect(waitedFor(vigil, 1000, true)).toBe(1000);
});
