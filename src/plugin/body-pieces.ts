import { DlserveError } from '../ground/errors';

/** The bytes of a request that are here, in one piece or as they came; null where there are none. */
export type BodyPieces = Buffer | readonly Buffer[] | null;

function isInPieces(body: BodyPieces): body is readonly Buffer[] {
  return Array.isArray(body);
}

/** Bytes of it. */
export function lengthOf(body: BodyPieces): number {
  return isInPieces(body) ? body.reduce((sum, piece) => sum + piece.length, 0) : (body?.length ?? 0);
}

/** @throws DlserveError OUT_OF_MEMORY */
export function joined(body: BodyPieces): Buffer | null {
  if (!isInPieces(body)) return body;
  try {
    return Buffer.concat(body);
  } catch (cause) {
    throw new DlserveError('OUT_OF_MEMORY', { what: 'the request' }, { cause });
  }
}
