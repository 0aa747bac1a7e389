import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { scratch } from '../support/server';

const dist = path.resolve(__dirname, '../../dist');
const required = (file: string): string => `require(${JSON.stringify(path.join(dist, file))})`;

/**
 * How often V8 made a hidden class with the keys of ticks, in a program that uses ticks and collects all garbage while none waits, again
 * and again.
 */
function classesMade(beginning: string, rounds: number): number {
  const log = path.join(scratch(), 'maps.log');
  const program = `
    let rounds = ${rounds};
    const round = () => {
      for (let i = 0; i < 50; i++) process.nextTick(() => undefined);
      setImmediate(() => {
        for (let i = 0; i < 5; i++) gc();
        if (--rounds > 0) round();
        else process.exit(0);
      });
    };
    Promise.resolve(${beginning}).then(round);`;
  const flags = ['--expose-gc', '--log-maps', `--logfile=${log}`, '--no-logfile-per-isolate'];
  execFileSync(process.execPath, [...flags, '-e', program], { stdio: ['ignore', 'ignore', 'inherit'] });
  return readFileSync(log, 'latin1').match(/^map,Transition,.*trigger_async_id_symbol/gm)!.length;
}

/** How many more in four rounds more. */
const madeAnew = (beginning: string): number => classesMade(beginning, 6) - classesMade(beginning, 2);

describe('the hidden class of ticks', () => {
  test('dies with the last of them where nobody keeps one', () => {
    expect(madeAnew('undefined')).toBe(4);
  });

  test('outlives them once one is kept', () => {
    expect(madeAnew(`${required('ground/tick-shape.js')}.keepTickShape()`)).toBe(0);
  });

  test('is kept by a host', () => {
    expect(madeAnew(`${required('index.js')}.createPluginHost({ pluginpath: ${JSON.stringify(scratch())} })`)).toBe(0);
  });
});
