import type { Step } from './explore';

/** One thread that executes one call after the other, and what the host reads of it, at one moment. A call's time is its id. */
export interface Telling {
  // The shared file.
  id: number;
  since: number;
  // The thread's: the call that it is about to tell of, or executes.
  call: number;
  told: 'nothing' | 'since' | 'all';
  // The host's, which asks for one call: whether it has found it, and a time that it has read before that.
  asks: number;
  found: boolean;
  early: number | null;
  answer: number | null;
}

/** Orders that would be wrong. */
export type Mistake = 'the id is told before the time' | 'the time is read before the id' | null;

export const telling = (asks: number): Telling => ({ id: 0, since: 0, call: 1, told: 'nothing', asks, found: false, early: null, answer: null });

/** The steps of native/runner/HANDSHAKES.md, by their labels there. */
export function tellingSteps(ids: readonly number[], mistake: Mistake): Step<Telling>[] {
  const tellsEarly = mistake === 'the id is told before the time';
  const readsEarly = mistake === 'the time is read before the id';
  const time = (s: Telling): void => void (s.since = s.call);
  const id = (s: Telling): void => void (s.id = s.call);
  return [
    {
      label: 'T1',
      when: (s) => s.told === 'nothing' && s.call <= ids.length,
      go: (s) => {
        (tellsEarly ? id : time)(s);
        s.told = 'since';
      },
    },
    {
      label: 'T2',
      when: (s) => s.told === 'since',
      go: (s) => {
        (tellsEarly ? time : id)(s);
        s.told = 'all';
      },
    },
    {
      label: 'T3',
      when: (s) => s.told === 'all',
      go: (s) => {
        s.id = 0;
        s.call++;
        s.told = 'nothing';
      },
    },
    {
      label: 'L1',
      when: (s) => !s.found && s.id === s.asks && (!readsEarly || s.early !== null),
      go: (s) => {
        s.found = true;
        if (readsEarly) s.answer = s.early;
      },
    },
    {
      label: 'L2',
      when: (s) => s.answer === null && (readsEarly ? s.early === null : s.found),
      go: (s) => {
        if (readsEarly) s.early = s.since;
        else s.answer = s.since;
      },
    },
  ];
}

/** @throws Error where a call would seem to run for longer than it does */
export function checkTelling({ asks, answer }: Telling): void {
  if (answer !== null && answer < asks) throw new Error(`call ${asks} seems to have begun with call ${answer}`);
}
