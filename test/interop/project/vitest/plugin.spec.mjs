import { createPluginHost } from 'dlserve';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

describe.each(['thread', 'inline', 'process'])('a plugin in mode %s', (mode) => {
  let host;
  beforeAll(async () => {
    host = await createPluginHost({ pluginpath: './lib', plugins: { mode } });
    await host.ready();
  });
  afterAll(() => host.close());

  test('answers', async () => {
    const { status, body } = await host.call('hi', 'Hi', { body: 'x' });
    expect([status, JSON.parse(body).body]).toEqual([200, 'x']);
  });
});
