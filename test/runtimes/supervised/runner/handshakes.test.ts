import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beginning, beginningSteps, checkBeginning } from './beginning';
import { checkCommitting, committing, committingSteps } from './committing';
import { explore } from './explore';
import { checkTelling, telling, tellingSteps } from './telling';

const IDS = [1, 2];

it('calls begin: whatever the order, no call runs twice or against a promise, and each is settled', () => {
  expect(explore(beginning(IDS), beginningSteps(IDS, null), checkBeginning)).toBeGreaterThan(1000);
});

it.each([
  ['begun is stored after the looks', 'runs twice'],
  ['halt is not looked at again', 'runs twice'],
  ['begun is read before halt is said', 'runs twice'],
  ['begun is not read again after cancelling', 'runs although it was withdrawn'],
] as const)('calls begin: it would be seen if %s', (mistake, words) => {
  expect(() => explore(beginning(IDS), beginningSteps(IDS, mistake), checkBeginning)).toThrow(words);
});

it('frames are committed: wherever the runner dies, the host gets what was committed, and only that', () => {
  expect(explore(committing(), committingSteps(null), checkCommitting)).toBeGreaterThan(100);
});

it.each(['committed before it is in the ring', 'sent before it is on the wire', 'sent before it is there whole'] as const)(
  'frames are committed: it would be seen if a frame counted as %s',
  (mistake) => {
    expect(() => explore(committing(), committingSteps(mistake), checkCommitting)).toThrow('the host gets');
  },
);

it('threads tell what they execute: no call seems to run for longer than it does', () => {
  expect(IDS.map((id) => explore(telling(id), tellingSteps(IDS, null), checkTelling)).every((states) => states > 10)).toBe(true);
});

it.each(['the id is told before the time', 'the time is read before the id'] as const)('threads tell what they execute: it would be seen if %s', (mistake) => {
  expect(() => IDS.map((id) => explore(telling(id), tellingSteps(IDS, mistake), checkTelling))).toThrow('seems to have begun');
});

it('the paper and the models have the same steps', () => {
  const paper = readFileSync(path.resolve(__dirname, '../../../../native/runner/HANDSHAKES.md'), 'utf8');
  const labels = [...paper.matchAll(/^\| ([A-Z]\d) \|/gm)].map(([, label]) => label);
  const modelled = new Set([...beginningSteps(IDS, null), ...committingSteps(null), ...tellingSteps(IDS, null)].map(({ label }) => label).filter((label) => label !== 'death'));
  expect(labels.sort()).toEqual([...modelled, 'D2'].sort());
});
