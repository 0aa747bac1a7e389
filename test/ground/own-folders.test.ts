import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import * as own from '../../src/ground/own-folders';
import { scratch } from '../support/server';

test('what this very process has in use stays, also where it is another thread or another copy of dlserve that has it', async () => {
  const folder = scratch();
  let other!: typeof own;
  jest.isolateModules(() => (other = require('../../src/ground/own-folders') as typeof own));
  const [inUse, left] = [other.ownName('open-'), other.ownName('open-')];
  for (const name of [inUse, left]) mkdirSync(path.join(folder, name));
  // As the last process of this id has left it, in a container that was restarted.
  utimesSync(path.join(folder, left), 0, 0);
  await own.removeLeftovers(folder, 'open-');
  expect(readdirSync(folder)).toEqual([inUse]);
});
