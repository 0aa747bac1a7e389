import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HOST_ABI } from '../../../src/binary/exports';
import { HUB, JobState, LIFE, Outcome, PIECE_COST, Step } from '../../../src/runtimes/native/addon';
import { FACTORY } from '../../../src/runtimes/native/factory';
import { EXCHANGE } from '../../../src/runtimes/native/koffi/invocation';
import { STATUS } from '../../../src/runtimes/native/status';
import { Wanted } from '../../../src/runtimes/supervised/process-addon';

const root = path.resolve(__dirname, '../../..');

/** What C makes of an expression with the addon's headers at hand. */
function inC(expressions: readonly string[]): number[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'dlserve-constants-'));
  const nodeHeaders = path.resolve(realpathSync(process.execPath), '../../include/node');
  const source = `
    #include <stddef.h>
    #include <stdio.h>
    #include "native/include/dlserve.h"
    #include "native/addon/status.h"
    /* What of N-API the headers name. */
    #include <node_api.h>
    #include "native/addon/hub.h"
    #include "native/addon/job.h"
    #include "native/addon/spawn.h"
    int main(void) {
      ${expressions.map((expression) => `printf("%lld\\n", (long long)(${expression}));`).join('\n')}
    }`;
  const file = path.join(folder, 'constants.c');
  writeFileSync(file, source);
  execFileSync('cc', ['-std=gnu11', `-I${root}`, `-I${nodeHeaders}`, '-o', path.join(folder, 'constants'), file]);
  return execFileSync(path.join(folder, 'constants'), { encoding: 'utf8' }).trim().split('\n').map(Number);
}

const offset = (field: string): string => `offsetof(dlserve_exchange, ${field}) / 8.0`;

test.each<[string, Readonly<Record<string, number>>, Readonly<Record<string, string>>]>([
  ['outcomes', Outcome, { REPLY: 'OUTCOME_REPLY', TOO_LATE: 'OUTCOME_TOO_LATE', TOO_LARGE: 'OUTCOME_TOO_LARGE', NO_MEMORY: 'OUTCOME_NO_MEMORY', HEADERS_TOO_LARGE: 'OUTCOME_HEADERS_TOO_LARGE',
    LAST: 'OUTCOME_LAST', BROKEN: 'OUTCOME_BROKEN', HEAD: 'EVENT_HEAD', CHUNK: 'EVENT_CHUNK', HEADERS_REFUSED: 'EVENT_HEADERS_TOO_LARGE', WANT: 'EVENT_WANT', ASK: 'EVENT_ASK',
    LOG: 'EVENT_LOG', LOST_LINES: 'EVENT_LOST_LINES', KEPT: 'EVENT_KEPT', LOST: 'EVENT_LOST',
  }],
  ['states of jobs', JobState, { WAITING: 'JOB_WAITING', BEGUN: 'JOB_BEGUN', ENDED: 'JOB_ENDED', HELD: 'JOB_HELD' }],
  ['descriptors of a program', Wanted, { PIPE: 'SPAWN_PIPE', NOTHING: 'SPAWN_NOTHING' }],
  ['hub', HUB, { BATCH: 'HUB_BATCH', FIELDS: 'RECORD_FIELDS', HAS_HEADERS: 'RECORD_HAS_HEADERS', HAS_LINES: 'RECORD_HAS_LINES' }],
  ['life of a library', Object.fromEntries(LIFE.map((label, place) => [label, place])), { 'a constructor': 'LIFE_LOAD', PluginABI: 'LIFE_ABI', PluginInit: 'LIFE_INIT', PluginConcurrency: 'LIFE_CONCURRENCY', PluginStop: 'LIFE_STOP',
    'PluginFactory.name': 'LIFE_NAME', 'PluginFactory.start': 'LIFE_START', 'PluginFactory.stop': 'LIFE_END', PluginRoutes: 'LIFE_ROUTES',
    'PluginFactory.routes': 'LIFE_OWN_ROUTES', PluginBody: 'LIFE_BODY',
  }],
  ['steps of a factory', Step, { START: 'JOB_START', END: 'JOB_END', TEXT: 'JOB_TEXT' }],
  ['factory', FACTORY, {
    SIZE: 'offsetof(dlserve_plugin, size)', ABI: 'offsetof(dlserve_plugin, abi)', NAME: 'offsetof(dlserve_plugin, name)', START: 'offsetof(dlserve_plugin, start)',
    STOP: 'offsetof(dlserve_plugin, stop)', ROUTES: 'offsetof(dlserve_plugin, routes)', END: 'sizeof(dlserve_plugin)',
  }],
  ['status page', STATUS, { SLOTS: 'STATUS_SLOTS', SLOT_SIZE: 'sizeof(status_slot)', OWN_SLOT: 'STATUS_OWN_SLOT', LABELS: 'STATUS_LABELS', LABEL_SIZE: 'STATUS_LABEL_SIZE', LABELS_START: 'offsetof(status_file, labels)', OWN_LABEL: 'STATUS_OWN_LABEL' }],
  ['exchange', EXCHANGE, {
    WORDS: offset('host'), REQUEST_BODY: offset('lent_request_body'), REQUEST_BODY_LENGTH: offset('lent_request_body_length'),
    DEADLINE: offset('deadline_unix_ms'), REPLY_BODY: offset('given_reply_body'), REPLY_BODY_LENGTH: offset('given_reply_body_length'),
    REPLY_HEADERS: offset('given_reply_headers'),
  }],
  ['streams', { PIECE_COST }, { PIECE_COST: 'STREAM_PIECE_COST' }],
  ['ABI', { HOST_ABI }, { HOST_ABI: 'DLSERVE_ABI' }],
])('%s are the same in C and in TypeScript', (_, typescript, c) => {
  expect(Object.keys(c).sort()).toEqual(Object.keys(typescript).sort());
  const values = inC(Object.values(c));
  expect(Object.fromEntries(Object.keys(c).map((name, i) => [name, values[i]]))).toEqual(typescript);
});
