import type { Step } from './explore';

interface Call {
  /** What became of it, as the host has it. Of `withdrawn`, the runner's reply will say whether it had begun. */
  fate: 'sent' | 'withdrawn' | 'answered' | 'dropped' | 'returned' | 'lost';
  /** How far it is in the runner. */
  place: 'unread' | 'taken' | 'running' | 'ran' | 'skipped';
  runs: number;
}

/** Runner and host, with all that they share, at one moment. */
export interface Beginning {
  // The shared file.
  begun: number;
  halt: boolean;
  cancelled: Record<number, boolean>;
  // The runner's.
  alive: boolean;
  accepting: 'nothing' | 'looked' | 'stored' | 'late' | 'retracting' | 'never more';
  own: number;
  // The host's.
  calls: Record<number, Call>;
  withdrawing: { id: number; step: 2 | 3 } | null;
  halting: 'no' | 'said' | 'done';
}

/** Orders that would be wrong. */
export type Mistake =
  | 'begun is stored after the looks'
  | 'halt is not looked at again'
  | 'begun is read before halt is said'
  | 'begun is not read again after cancelling'
  | null;

export const beginning = (ids: readonly number[]): Beginning => ({
  begun: 0,
  halt: false,
  cancelled: {},
  alive: true,
  accepting: 'nothing',
  own: 0,
  calls: Object.fromEntries(ids.map((id) => [id, { fate: 'sent', place: 'unread', runs: 0 }])),
  withdrawing: null,
  halting: 'no',
});

const isOpen = ({ fate }: Call): boolean => fate === 'sent' || fate === 'withdrawn';
const isReplied = ({ place }: Call): boolean => place === 'ran' || place === 'skipped';

/** Open calls that have not begun, as the host sees it. */
const unbegun = ({ calls, begun }: Beginning): Call[] => Object.entries(calls).flatMap(([id, call]) => (Number(id) > begun && isOpen(call) ? [call] : []));

function takeBack(state: Beginning): void {
  for (const call of unbegun(state)) call.fate = 'returned';
}

/** The steps of native/runner/HANDSHAKES.md, by their labels there. */
export function beginningSteps(ids: readonly number[], mistake: Mistake): Step<Beginning>[] {
  const storesLate = mistake === 'begun is stored after the looks';
  const readsEarly = mistake === 'begun is read before halt is said';
  const begin = (s: Beginning): void => void (s.begun = ++s.own);
  const take = (s: Beginning): void => {
    s.calls[s.own]!.place = 'taken';
    s.accepting = 'nothing';
  };
  const runner: Step<Beginning>[] = [
    {
      label: 'R0',
      when: (s) => s.accepting === 'nothing' && s.own < ids.length,
      go: (s) => void (s.accepting = s.halt ? 'never more' : 'looked'),
    },
    {
      label: 'R1',
      when: (s) => s.accepting === 'looked',
      go: (s) => {
        if (!storesLate) begin(s);
        s.accepting = 'stored';
      },
    },
    {
      label: 'R2',
      when: (s) => s.accepting === 'stored',
      go: (s) => {
        if (s.halt && mistake !== 'halt is not looked at again') s.accepting = storesLate ? 'never more' : 'retracting';
        else if (storesLate) s.accepting = 'late';
        else take(s);
      },
    },
    {
      label: 'R1',
      when: (s) => s.accepting === 'late',
      go: (s) => {
        begin(s);
        take(s);
      },
    },
    {
      label: 'R3',
      when: (s) => s.accepting === 'retracting',
      go: (s) => {
        s.begun = --s.own;
        s.accepting = 'never more';
      },
    },
    ...ids.flatMap((id): Step<Beginning>[] => [
      {
        label: 'R4',
        when: (s) => s.calls[id]!.place === 'taken',
        go: (s) => {
          const call = s.calls[id]!;
          call.place = s.cancelled[id] === true ? 'skipped' : 'running';
          if (call.place === 'running') call.runs++;
        },
      },
      { label: 'R5', when: (s) => s.calls[id]!.place === 'running', go: (s) => void (s.calls[id]!.place = 'ran') },
    ]),
    { label: 'death', when: () => true, go: (s) => void (s.alive = false) },
  ];
  // The host does one thing after the other.
  const host: Step<Beginning>[] = [
    ...ids.flatMap((id): Step<Beginning>[] => [
      {
        label: 'W1',
        when: (s) => s.calls[id]!.fate === 'sent' && id > s.begun,
        go: (s) => void (s.withdrawing = { id, step: 2 }),
      },
      {
        label: 'A1',
        when: (s) => isOpen(s.calls[id]!) && isReplied(s.calls[id]!),
        go: ({ calls }) => {
          const call = calls[id]!;
          if (call.place === 'skipped' && call.fate === 'sent') throw new Error(`call ${id} was skipped although somebody waits for it`);
          call.fate = call.place === 'ran' ? 'answered' : 'dropped';
        },
      },
    ]),
    {
      label: 'H1',
      when: (s) => s.halting === 'no',
      go: (s) => {
        if (readsEarly) takeBack(s);
        else s.halt = true;
        s.halting = 'said';
      },
    },
    {
      label: 'H2',
      when: (s) => s.halting === 'said' || (s.halting === 'done' && unbegun(s).length > 0),
      go: (s) => {
        if (readsEarly) s.halt = true;
        else takeBack(s);
        s.halting = 'done';
      },
    },
    {
      label: 'D1',
      when: (s) => !s.alive && Object.values(s.calls).some(isOpen) && !Object.values(s.calls).some((call) => isOpen(call) && isReplied(call)),
      go: (s) => {
        takeBack(s);
        for (const call of Object.values(s.calls)) if (isOpen(call)) call.fate = 'lost';
      },
    },
  ];
  const withdrawal: Step<Beginning>[] = [
    {
      label: 'W2',
      when: (s) => s.withdrawing?.step === 2,
      go: (s) => {
        s.cancelled[s.withdrawing!.id] = true;
        s.withdrawing!.step = 3;
      },
    },
    {
      label: 'W3',
      when: (s) => s.withdrawing?.step === 3,
      go: (s) => {
        const { id } = s.withdrawing!;
        s.calls[id]!.fate = id > s.begun || mistake === 'begun is not read again after cancelling' ? 'dropped' : 'withdrawn';
        s.withdrawing = null;
      },
    },
  ];
  return [
    ...runner.map((step) => ({ ...step, when: (s: Beginning) => s.alive && step.when(s) })),
    ...host.map((step) => ({ ...step, when: (s: Beginning) => s.withdrawing === null && step.when(s) })),
    ...withdrawal,
  ];
}

/** @throws Error where a call could run twice, or against a promise, or is forgotten */
export function checkBeginning({ calls }: Beginning, isEnd: boolean): void {
  for (const [id, call] of Object.entries(calls)) {
    const { fate, runs } = call;
    if (runs + (fate === 'returned' ? 1 : 0) > 1) throw new Error(`call ${id} runs twice`);
    if (runs > 0 && fate === 'dropped') throw new Error(`call ${id} runs although it was withdrawn`);
    if (isEnd && isOpen(call)) throw new Error(`call ${id} is never settled`);
  }
}
