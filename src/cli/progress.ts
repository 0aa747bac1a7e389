import type { Logger } from '../ground/log';
import type { BuildEvent } from '../toolchain/toolchain';

/** Tells, for each source, that its compilation begins; how it ended, the toolchain logs itself. */
export function withProgress(log: Logger): (event: BuildEvent) => void {
  return ({ name, state }) => {
    if (state === 'building') log.info({ plugin: name }, `building ${name} ...`);
  };
}
