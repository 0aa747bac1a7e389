import fc from 'fast-check';
import { OpenCalls } from '../../../../src/runtimes/supervised/runner/open-calls';

test('it is a map, for ids that count up', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 1, max: 1500 }) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('delete' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const calls = new OpenCalls<string>();
      const model = new Map<number, string>();
      let last = 0;
      for (const next of steps) {
        if (next.do === 'add') {
          for (let i = 0; i < next.count; i++) {
            const call = String(++last);
            calls.add(last, call);
            model.set(last, call);
          }
        } else {
          const ids = [...model.keys()].filter((id) => (id * 0.618) % 1 < next.share);
          for (const id of [...ids, ...ids, last + 1]) {
            calls.delete(id);
            model.delete(id);
          }
        }
        expect(calls.size).toBe(model.size);
        expect(calls.inOrder()).toEqual([...model]);
        for (let id = 0; id <= last + 1; id += 37) {
          expect(calls.get(id)).toBe(model.get(id));
          expect(calls.idOf(String(id))).toBe(model.has(id) ? id : 0);
        }
      }
    }),
    { numRuns: 50 },
  );
});
