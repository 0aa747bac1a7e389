interface Verdict {
  readonly claims: readonly { readonly claim: string; readonly against: readonly string[] }[];
  readonly ends: object;
  readonly fates: ReadonlyMap<string, object>;
}

interface Unusual {
  n: number;
  plugin: string;
  way: string | null;
  outcome: string;
  sent: number;
  answered: number;
}

interface Death {
  plugin: string;
  pid: number;
  requests: string[];
  again?: string[];
  signal: string | null;
  status: number | null;
  time: number;
  msg: string;
}

const { reach } = jest.requireActual<{ reach: (evidence: Evidence) => Verdict }>('./verdict');

const crash = (pid: number, request: number): Death => ({
  plugin: 'one', pid, requests: [String(request)], signal: 'SIGSEGV', status: null, time: 2000, msg: 'one.so crashed: ended by SIGSEGV',
});

/**
 * Nine requests: 1 to 3 right, 4 guilty, 5 killed with its process, 6 late because its process was stopped, 7 beside the guilty 8,
 * and 9 to a plugin outside.
 */
function evidence() {
  const request = (n: number, plugin: string, way: string | null, outcome: string): Unusual =>
    ({ n, plugin, way, outcome, sent: 1000, answered: 2000 });
  return {
    plugins: [
      { name: 'one', mode: 'process', concurrency: 1, ways: { Segv: 'SIGSEGV' } },
      { name: 'two', mode: 'process', concurrency: 2, ways: { Exit: 0 } },
      { name: 'out', mode: 'thread', concurrency: 1, ways: {} },
    ],
    ledger: {
      sent: 9,
      right: Buffer.from([0, 1, 1, 1, 0, 0, 0, 0, 0, 1]),
      unusual: [
        request(4, 'one', 'Segv', 'crashed'),
        request(5, 'one', null, 'crashed'),
        { ...request(6, 'two', null, 'late'), answered: 4500 },
        request(7, 'two', null, 'crashed'),
        request(8, 'two', 'Exit', 'crashed'),
      ],
      plugins: new Map([['one', { sent: 5, right: 3 }], ['two', { sent: 3, right: 0 }], ['out', { sent: 1, right: 1 }]]),
    },
    //                    0     1     2     3     4     5     6     7     8     9
    tally: Buffer.from([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 1]),
    deaths: [
      crash(11, 4),
      { ...crash(12, 5), signal: 'SIGKILL', msg: 'one.so crashed: ended by SIGKILL' },
      { ...crash(13, 6), plugin: 'two', signal: 'SIGKILL', time: 4500, msg: 'two.so ended: a call took longer than its timeout' },
      { ...crash(14, 8), plugin: 'two', requests: ['7', '8'], signal: null, status: 0, msg: 'two.so crashed: exited with status 0' },
    ],
    acts: [
      { kind: 'kill', pid: 12, plugin: 'one', time: 1999, end: Infinity },
      { kind: 'stop', pid: 13, plugin: 'two', time: 1500, end: Infinity },
    ],
  };
}

type Evidence = ReturnType<typeof evidence>;

const against = (given: Evidence): string[] => reach(given).claims.filter((claim) => claim.against.length > 0).map(({ claim }) => claim);

test('a call that the log has as made again may have begun twice; one that hangs is late by itself', () => {
  const given = evidence();
  given.deaths[1]!.again = ['2'];
  given.tally[4] = 2;
  given.ledger.unusual[2]!.way = 'Hang';
  given.acts.pop();
  expect(against(given)).toEqual([]);
  expect(reach(given).ends).toEqual({ crash: 2, hang: 1, kill: 1, stop: 0 });
});

test('accounts that agree', () => {
  const given = evidence();
  expect(against(given)).toEqual([]);
  const { ends, fates } = reach(given);
  expect(ends).toEqual({ crash: 2, hang: 0, kill: 1, stop: 1 });
  expect(Object.fromEntries(fates)).toEqual({
    one: { guilty: 1, beside: 0, killed: 1, late: 0 },
    two: { guilty: 1, beside: 1, killed: 0, late: 1 },
    out: { guilty: 0, beside: 0, killed: 0, late: 0 },
  });
});

test.each<[string, (given: Evidence) => unknown, RegExp]>([
  ['a wrong answer', ({ ledger }) => (ledger.unusual[0]!.outcome = 'status 500'), /the right answer/],
  ['a request without an answer', ({ ledger }) => ledger.sent++, /^requests 10 = /],
  ['a request with two answers', ({ ledger }) => (ledger.right[4] = 1), /^requests 9 = /],
  ['a call that ran twice', ({ tally }) => (tally[2] = 2), /begun twice/],
  ['a call that answered and never ran', ({ tally }) => tally.fill(0, 4, 6), /begun twice/],
  ['a call that nobody made', ({ tally }) => (tally[0] = 1), /begun twice/],
  ['a process that ended by itself', ({ deaths }) => deaths.push({ ...crash(15, 4), requests: [] }), /has its cause/],
  ['a process that was killed by nobody', ({ acts }) => (acts[0]!.pid = 99), /has its cause/],
  ['a process that was stopped by nobody', ({ acts }) => acts.pop(), /has its cause/],
  ['a guilty one that ended otherwise', ({ deaths }) => (deaths[0]!.signal = 'SIGBUS'), /has its cause/],
  ['a killed process that is not in the log', ({ acts }) => acts.push({ ...acts[0]!, pid: 98 }), /in the log, once/],
  ['more calls lost than there are threads', ({ deaths }) => deaths[1]!.requests.push('4'), /than it has threads/],
  ['a 502 that the log does not name', ({ deaths }) => deaths[1]!.requests.pop(), /^every 502/],
  ['a right answer that the log has as lost', ({ deaths }) => deaths[1]!.requests.push('3'), /^every call that the log has/],
  ['a 504 too early', ({ ledger }) => (ledger.unusual[2]!.answered = 3500), /^every 504/],
  ['a 504 while nothing was stopped', ({ ledger }) => (ledger.unusual[2]!.sent = 4600), /^every 504/],
  ['an innocent beside a guilty one that runs alone', ({ deaths }) => deaths.splice(0, 2, { ...deaths[0]!, requests: ['4', '5'] }), /one by one/],
  ['an innocent one that was lost where it could be made again', (given) => Object.assign(given, { retry: true }), /every innocent/],
  ['a plugin outside that noticed', ({ ledger }) => (ledger.unusual[1]!.plugin = 'out'), /outside noticed/],
])('%s speaks against it', (_, falsify, claim) => {
  const given = evidence();
  falsify(given);
  expect(against(given)).toContainEqual(expect.stringMatching(claim));
});
