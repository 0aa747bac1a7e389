import type { Step } from './explore';

/** The runner's stream of frames at one moment. A byte of a frame is that frame's number. */
export interface Committing {
  // The shared file.
  ring: number[];
  committed: number;
  // The runner's: the frame that is being committed, and how many bytes of it are in the ring.
  frame: number;
  put: number;
  sent: number;
  /** To where a thread sends; null: none does. */
  sending: number | null;
  /** What the socket holds or the host has read: it outlives the runner. */
  wire: number[];
}

/** Orders that would be wrong. */
export type Mistake = 'committed before it is in the ring' | 'sent before it is on the wire' | 'sent before it is there whole' | null;

const RING = 5;
const LENGTHS = [2, 3, 1, 2, 3];
const STREAM = LENGTHS.flatMap((length, frame) => Array.from({ length }, () => frame));
/** Where each frame ends in the stream. */
const ENDS = LENGTHS.map((_, frame) => STREAM.lastIndexOf(frame) + 1);

export const committing = (): Committing => ({
  ring: Array.from({ length: RING }, () => -1),
  committed: 0,
  frame: 0,
  put: 0,
  sent: 0,
  sending: null,
  wire: [],
});

/** The steps of native/runner/HANDSHAKES.md, by their labels there. */
export function committingSteps(mistake: Mistake): Step<Committing>[] {
  const given = ({ frame }: Committing): number => ENDS[frame - 1] ?? 0;
  return [
    {
      label: 'C1',
      when: (s) => s.put < (LENGTHS[s.frame] ?? 0) && ENDS[s.frame]! - s.sent <= RING,
      go: (s) => {
        if (mistake === 'committed before it is in the ring') s.committed = ENDS[s.frame]!;
        s.ring[(given(s) + s.put++) % RING] = s.frame;
      },
    },
    {
      label: 'C2',
      when: (s) => s.put === LENGTHS[s.frame],
      go: (s) => {
        s.committed = ENDS[s.frame++]!;
        s.put = 0;
      },
    },
    {
      label: 'S1',
      when: (s) => s.sending === null && s.sent < given(s),
      go: (s) => {
        s.sending = given(s);
        if (mistake === 'sent before it is on the wire') s.sent = s.sending;
      },
    },
    {
      label: 'S2',
      when: (s) => s.sending !== null && s.wire.length < s.sending,
      go: (s) => {
        s.wire.push(s.ring[s.wire.length % RING]!);
        if (mistake === 'sent before it is there whole') s.sent = s.wire.length;
      },
    },
    {
      label: 'S3',
      when: (s) => s.wire.length === s.sending,
      go: (s) => {
        s.sent = s.sending!;
        s.sending = null;
      },
    },
  ];
}

/** D2, if the runner dies now: the whole frames that were sent, and from the ring what was committed behind them. */
function rescued({ wire, ring, committed }: Committing): number[] {
  const whole = Math.max(0, ...ENDS.filter((end) => end <= wire.length));
  return [...wire.slice(0, whole), ...Array.from({ length: Math.max(0, committed - whole) }, (_, i) => ring[(whole + i) % RING]!)];
}

/** @throws Error where the host would not get what was committed, and only that; or where the runner waits for ever */
export function checkCommitting(state: Committing, isEnd: boolean): void {
  const [got, due] = [rescued(state), STREAM.slice(0, state.committed)].map(String);
  if (got !== due) throw new Error(`the host gets ${got} in place of ${due}`);
  if (isEnd && state.wire.length < STREAM.length) throw new Error('nothing goes on');
}
