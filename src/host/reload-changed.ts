import { DlserveError } from '../ground/errors';
import type { Host } from './host';

/** Reloads every open plugin whose file has changed; one whose file is gone is closed. Never rejects: the log says what fails. */
export async function reloadChanged(host: Host): Promise<void> {
  const reloadOne = async (name: string): Promise<void> => {
    try {
      await host.reload(name, { isForced: false });
    } catch (error) {
      if (error instanceof DlserveError && error.code === 'LIBRARY_NOT_FOUND') await host.remove(name);
    }
  };
  await Promise.allSettled(Array.from(host.slots.keys(), reloadOne));
}
