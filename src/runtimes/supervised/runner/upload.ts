import type { BodySource } from '../../../plugin/body-source';
import type { Control } from './control';
import { MOST_BODY, ProtocolError, WINDOW } from './protocol';

/** A request body on its way to a handler that takes it in parts: never more than a window ahead of what the handler has read. */
export class Upload {
  private read = 0;
  private sent = 0;
  private rest: Buffer | null = null;
  private isMoving = false;
  private isOver = false;

  /** @param source null: there is no body */
  constructor(
    private readonly id: number,
    private readonly source: BodySource | null,
    private readonly control: Control,
  ) {}

  /** The handler waits for the client. */
  get isStuck(): boolean {
    return this.isMoving;
  }

  /**
   * The handler has read so many bytes, and wants more.
   * @throws ProtocolError
   */
  want(read: number): void {
    if (read < this.read || read > this.sent) throw new ProtocolError(`${read} bytes of a body read, of ${this.sent}`);
    this.read = read;
    void this.move();
  }

  /** The handler takes no more. */
  end(): void {
    this.isOver = true;
    this.rest = null;
  }

  private async move(): Promise<void> {
    if (this.isMoving) return;
    this.isMoving = true;
    try {
      while (!this.isOver && this.sent - this.read < WINDOW) await this.step();
    } catch {
      this.finish(true);
    } finally {
      this.isMoving = false;
    }
  }

  private async step(): Promise<void> {
    const part = this.rest ?? (this.source === null ? null : await this.source.next());
    if (this.isOver) return;
    if (part === null) {
      this.finish(false);
      return;
    }
    this.rest = part.length > MOST_BODY ? part.subarray(MOST_BODY) : null;
    const now = part.subarray(0, MOST_BODY);
    this.sent += now.length;
    if (now.length > 0) this.control.body(this.id, now);
  }

  private finish(isBroken: boolean): void {
    if (!this.isOver) this.control.bodyEnd(this.id, isBroken);
    this.end();
  }
}
