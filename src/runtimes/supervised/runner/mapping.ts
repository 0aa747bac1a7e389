import { loadAddonFile } from '../../addon-file';

/** What native/addon/area.c does. Places are bytes from the beginning of the area. */
interface AreaCalls {
  /** null where the system has no such memory. */
  openArea(size: number): unknown;
  areaDescriptor(area: unknown): number;
  /** Its memory lasts as long as there are views of it. */
  closeArea(area: unknown): void;
  /**
   * Copies a body there.
   * @param isFirst nothing may have been there yet
   * @returns false where there is no memory for it
   */
  areaWrite(area: unknown, offset: number, isFirst: boolean, body: Buffer | readonly Buffer[]): boolean;
  /** A Buffer of what stands there, without a copy; null where this Node.js allows none. To be detached. */
  areaView(area: unknown, offset: number, length: number): Buffer | null;
  detach(buffer: Buffer): void;
  /** Says in a table of blocks, one byte each, that some are free. */
  areaFree(area: unknown, table: number, first: number, count: number): void;
  /** Gives memory back to the system. */
  areaEmpty(area: unknown, offset: number, length: number): void;
  /** The same for each of `count` blocks that the table calls free: nobody gets one of them meanwhile. */
  areaEmptyFree(area: unknown, table: number, count: number, offset: number, size: number): void;
}

/** Memory that this process and one other see. */
export class Mapping {
  private constructor(
    private readonly calls: AreaCalls,
    private readonly area: unknown,
  ) {}

  /** @returns null where it is not to be had: without the addon, or on a system that has no such memory */
  static open(size: number): Mapping | null {
    try {
      const addon = loadAddonFile();
      if (typeof addon === 'string') return null;
      const calls = addon as AreaCalls;
      const area = calls.openArea(size);
      if (area === null) return null;
      const mapping = new Mapping(calls, area);
      const view = mapping.view(0, 1);
      if (view !== null) {
        mapping.detach(view);
        return mapping;
      }
      mapping.close();
      return null;
    } catch {
      return null;
    }
  }

  get descriptor(): number {
    return this.calls.areaDescriptor(this.area);
  }

  close(): void {
    this.calls.closeArea(this.area);
  }

  /** See {@link AreaCalls.areaWrite}. */
  write(offset: number, isFirst: boolean, body: Buffer | readonly Buffer[]): boolean {
    return this.calls.areaWrite(this.area, offset, isFirst, body);
  }

  /** See {@link AreaCalls.areaView}. */
  view(offset: number, length: number): Buffer | null {
    return this.calls.areaView(this.area, offset, length);
  }

  detach(view: Buffer): void {
    this.calls.detach(view);
  }

  free(table: number, first: number, count: number): void {
    this.calls.areaFree(this.area, table, first, count);
  }

  empty(offset: number, length: number): void {
    this.calls.areaEmpty(this.area, offset, length);
  }

  emptyFree(table: number, count: number, offset: number, size: number): void {
    this.calls.areaEmptyFree(this.area, table, count, offset, size);
  }
}
