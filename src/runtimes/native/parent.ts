import { addonIfAny } from './addon';

/**
 * Has the system end this process with its parent, also while its event loop stands still. Where the addon or the system can't do
 * that, nothing happens.
 */
export function endWithParent(): void {
  addonIfAny()?.endWithParent();
}
