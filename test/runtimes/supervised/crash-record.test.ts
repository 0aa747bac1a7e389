import { CrashRecord } from '../../../src/runtimes/supervised/crash-record';

let now: number;
const record = (): CrashRecord => new CrashRecord({ crashes: 3, crashwindow: 1000, rest: 500 }, () => now);

beforeEach(() => (now = 0));

describe('restarts', () => {
  it('are immediate after a process that had answered', () => {
    const crashes = record();
    expect(crashes.delay).toBe(0);
    for (let i = 0; i < 3; i++) {
      crashes.crashed(true);
      expect(crashes.delay).toBe(0);
    }
  });

  it('wait twice as long each time where nothing was answered, a second at most', () => {
    const crashes = new CrashRecord({ crashes: 100, crashwindow: 1e6, rest: 1 }, () => now);
    const delays = Array.from({ length: 10 }, () => {
      crashes.crashed(false);
      return crashes.delay;
    });
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    crashes.crashed(true);
    expect(crashes.delay).toBe(0);
  });

  it('wait as well where somebody has killed the processes, but that is no crash of theirs', () => {
    const crashes = record();
    for (let i = 0; i < 10; i++) crashes.crashed(false, false);
    expect([crashes.delay, crashes.count, crashes.isServing]).toEqual([1000, 0, true]);
    crashes.crashed(true, false);
    expect(crashes.delay).toBe(0);
  });
});

describe('a rest', () => {
  it('begins with the crash that exceeds the limit', () => {
    const crashes = record();
    for (let i = 0; i < 3; i++) crashes.crashed(true);
    expect(crashes.isServing).toBe(true);
    crashes.crashed(true);
    expect(crashes.isResting).toBe(true);
    expect(crashes.count).toBe(4);
    expect(crashes.restLeft).toBe(500);
    now += 499;
    expect(crashes.restLeft).toBe(1);
    now += 2;
    expect(crashes.restLeft).toBe(0);
    expect(crashes.isResting).toBe(true);
  });

  it('does not begin where the crashes lie further apart', () => {
    const crashes = record();
    for (let i = 0; i < 20; i++, now += 300) crashes.crashed(true);
    now += 100;
    expect(crashes.isServing).toBe(false);
    const rarer = record();
    for (let i = 0; i < 20; i++, now += 400) rarer.crashed(true);
    expect(rarer.isServing).toBe(true);
  });

  const resting = (): CrashRecord => {
    const crashes = record();
    for (let i = 0; i < 4; i++) crashes.crashed(true);
    now += 500;
    crashes.beginTrial();
    return crashes;
  };

  it('ends with a trial that is answered, and all is forgotten', () => {
    const crashes = resting();
    expect([crashes.isServing, crashes.isResting]).toEqual([false, false]);
    crashes.answered();
    expect(crashes.isServing).toBe(true);
    expect(crashes.count).toBe(0);
  });

  it('is followed by another where the trial crashes or fails', () => {
    const crashes = resting();
    now += 10_000;
    crashes.crashed(false);
    expect(crashes.isResting).toBe(true);
    expect(crashes.restLeft).toBe(500);
    const failing = resting();
    failing.failed();
    expect(failing.isResting).toBe(true);
    expect(failing.restLeft).toBe(500);
  });

  it('is not begun by a failure that is no crash', () => {
    const crashes = record();
    for (let i = 0; i < 20; i++) crashes.failed();
    expect(crashes.isServing).toBe(true);
  });
});
