import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { DlserveError } from '../../src/ground/errors';
import { writeError } from '../../src/http/write-error';
import { recordedLog } from '../support/log';

/** What a client and the log are told of something that was thrown. */
function tell(thrown: unknown): { answer: unknown; status: number; line: Record<string, unknown> } {
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  let body = '';
  const { log, lines } = recordedLog();
  jest.spyOn(res, 'end').mockImplementation(((text: string) => (body = text)) as never);
  writeError(thrown, req, res, log, { plugin: 'p' });
  return { answer: JSON.parse(body), status: res.statusCode, line: lines[0]! };
}

test('of what nobody expected the log has all, with the stack, and the client nothing', () => {
  const { answer, status, line } = tell(new RangeError('secret'));
  expect([status, answer]).toEqual([500, { error: 'internal error, see the log', code: 'INTERNAL' }]);
  expect(line).toMatchObject({ level: 50, plugin: 'p', code: 'INTERNAL', err: { type: 'RangeError', message: 'secret' } });
  expect((line.err as { stack: string }).stack).toContain('write-error.test.ts');
});

test('of a failure that was translated the log has the words of the first one', () => {
  const { line } = tell(new DlserveError('LOAD_FAILED', { library: 'x.so', reason: 'why' }, { cause: new Error('because') }));
  expect(line).toMatchObject({ msg: 'x.so did not load: why', code: 'LOAD_FAILED', cause: 'because' });
  expect(tell(new DlserveError('NO_REPLY', { symbol: 's' })).line).not.toHaveProperty('cause');
});

test('what a client sent is cut in the log, and fills it with some lines only', () => {
  const { log, lines } = recordedLog();
  const req = new IncomingMessage(new Socket());
  req.url = `/${'x'.repeat(8000)}`;
  for (const thrown of [new DlserveError('TIMEOUT'), new DlserveError('BAD_TIMEOUT', { value: 'x'.repeat(8000) })]) {
    for (let i = 0; i < 100; i++) writeError(thrown, req, new ServerResponse(req), log);
  }
  expect(lines.map(({ code }) => code)).toEqual([...Array<string>(50).fill('TIMEOUT'), ...Array<string>(50).fill('BAD_TIMEOUT')]);
  for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(700);
});
