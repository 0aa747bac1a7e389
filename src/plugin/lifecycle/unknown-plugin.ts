import { DlserveError } from '../../ground/errors';
import { nearest } from '../../ground/nearest';

/**
 * The error of a name that nobody has, with the one that was probably meant.
 * @param what "plugin" or "factory"
 */
export function unknownPlugin(what: string, name: string, names: Iterable<string>): DlserveError {
  const meant = nearest(name, names);
  return new DlserveError('UNKNOWN_PLUGIN', { what, name, hint: meant === undefined ? '' : `: did you mean ${meant}?` });
}
