import type { KoffiFunction } from '../../../src/runtimes/native/koffi/koffi';
import { LibuvShare, type Waiting } from '../../../src/runtimes/native/thread/libuv-share';

type Done = (error: Error | null, result: unknown) => void;

/** A function of koffi's whose asynchronous calls end when the test says so. */
function heldFunction(): { f: KoffiFunction; ends: Done[] } {
  const ends: Done[] = [];
  const async = (...args: unknown[]): void => void ends.push(args.at(-1) as Done);
  return { f: Object.assign(() => undefined, { async }) as unknown as KoffiFunction, ends };
}

/** A plugin with calls that wait; it writes its name for each that starts. */
function waiting(share: LibuvShare, f: KoffiFunction, name: string, calls: number, started: string[]): Waiting {
  let running = 0;
  const plugin: Waiting = {
    startOne: () => {
      if (calls === 0 || running >= share.mostForOne) return false;
      calls--;
      running++;
      started.push(name);
      share.run(f, [], () => running--);
      return true;
    },
  };
  share.join(plugin);
  return plugin;
}

describe("the share of libuv's threads", () => {
  it.each([
    [1, 1, 1],
    [2, 1, 1],
    [3, 2, 1],
    [4, 3, 2],
    [64, 63, 62],
  ])('of a pool of %d is %d, and %d for one plugin', (size, threads, mostForOne) => {
    expect(new LibuvShare(size)).toMatchObject({ threads, mostForOne });
  });

  it('lets plugins take turns', () => {
    const share = new LibuvShare(4);
    const { f, ends } = heldFunction();
    const started: string[] = [];
    for (const name of ['a', 'b']) waiting(share, f, name, 4, started);
    share.pump();
    expect(started.join('')).toBe('aba');
    while (ends.length > 0) ends.shift()!(null, 0);
    expect(started.join('')).toBe('abababab');
  });

  it('keeps a thread for others, however much one plugin has to do', () => {
    const share = new LibuvShare(4);
    const { f } = heldFunction();
    const started: string[] = [];
    waiting(share, f, 'greedy', 100, started);
    share.pump();
    expect(started).toEqual(['greedy', 'greedy']);
    waiting(share, f, 'other', 1, started);
    share.pump();
    expect(started).toEqual(['greedy', 'greedy', 'other']);
  });

  it('starts nothing of a plugin that has left', () => {
    const share = new LibuvShare(4);
    const { f } = heldFunction();
    const started: string[] = [];
    share.leave(waiting(share, f, 'gone', 1, started));
    share.pump();
    expect(started).toEqual([]);
  });

  it('ends a call that koffi does not take', async () => {
    const share = new LibuvShare(4);
    const refusing = Object.assign(() => undefined, {
      async: () => {
        throw new Error('Too many asynchronous calls are running');
      },
    }) as unknown as KoffiFunction;
    for (let i = 0; i < 10; i++) await expect(share.runNow(refusing)).rejects.toThrow('Too many');
    const { f, ends } = heldFunction();
    const started: string[] = [];
    waiting(share, f, 'next', 1, started);
    share.pump();
    expect([started, ends.length]).toEqual([['next'], 1]);
  });

  it("goes on after a call whose end fails, and hands koffi's failure on", async () => {
    const share = new LibuvShare(4);
    const { f, ends } = heldFunction();
    share.run(f, [], () => {
      throw new Error('mine');
    });
    const started: string[] = [];
    waiting(share, f, 'next', 1, started);
    expect(() => ends.shift()!(null, 0)).toThrow('mine');
    expect(started).toEqual(['next']);
    ends.shift()!(null, 0);
    const failing = share.runNow(f);
    ends.shift()!(new Error("koffi's"), null);
    await expect(failing).rejects.toThrow("koffi's");
  });
});
