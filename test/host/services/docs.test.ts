import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ASK_ERRORS } from '../../../src/host/services/ask-error';

test('docs/services.md has each code with its message, and no other', () => {
  const page = readFileSync(path.resolve(__dirname, '../../../docs/services.md'), 'utf8');
  const rows = Array.from(page.matchAll(/^\| `([A-Z_]+)` \| `(.*?)` \|/gm), ([, code, message]) => [code!, message!]);
  expect(rows.filter(([code]) => !code!.startsWith('DLSERVE_'))).toEqual(Object.entries(ASK_ERRORS));
});
