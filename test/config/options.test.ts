import path from 'node:path';
import ts from 'typescript';
import { allKeys } from '../../src/config/keys';
import { RUNTIMES } from '../../src/runtimes/registry';

/** Keys of the server that `dlserve serve` starts; an embedded host has none. */
const OF_SERVERS = ['http.host', 'http.port', 'http.workers', 'http.fastlane'];

const program = ts.createProgram([path.join(__dirname, '../../src/config/options.ts')], { strict: true, skipLibCheck: true });
const checker = program.getTypeChecker();

/** The members of an interface by their paths: `http.bodylimit`. */
function pathsOf(type: ts.Type, prefix = ''): string[] {
  return type.getProperties().flatMap((property) => {
    const own = checker.getNonNullableType(checker.getTypeOfSymbol(property));
    const name = prefix + property.name;
    return own.isIntersection() || (own.symbol as ts.Symbol | undefined)?.name === '__type' ? pathsOf(own, `${name}.`) : [name];
  });
}

test('the types of options and the keys are the same', () => {
  const file = program.getSourceFiles().find(({ fileName }) => fileName.endsWith('config/options.ts'))!;
  const options = checker.getExportsOfModule(checker.getSymbolAtLocation(file)!).find(({ name }) => name === 'HostOptions')!;
  const typed = pathsOf(checker.getDeclaredTypeOfSymbol(options)).filter((name) => name !== 'plugin');
  const keys = allKeys(RUNTIMES).map((key) => key.path);
  expect(typed.sort()).toEqual(keys.filter((name) => !OF_SERVERS.includes(name)).sort());
});
