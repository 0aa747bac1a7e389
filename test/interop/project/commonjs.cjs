'use strict';

const assert = require('node:assert');
const { createPluginHost, DlserveError, ERRORS } = require('dlserve');

async function main() {
  for (const mode of ['thread', 'inline', 'process']) {
    const host = await createPluginHost({ pluginpath: './lib', plugins: { mode } });
    await host.ready();
    const { status, body } = await host.call('hi', 'Hi', { query: { a: '1' } });
    assert.deepStrictEqual([status, JSON.parse(body).url_query], [200, { a: ['1'] }]);
    await assert.rejects(host.call('hi', 'Nope'), (error) => error instanceof DlserveError && error.code in ERRORS);
    await host.close();
  }
}

main().then(() => console.log('ok'));
