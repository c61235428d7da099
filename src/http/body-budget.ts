import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.js';

/**
 * Bytes of bodies that are worked on at once. Parsed, a body takes several times its length; this
 * keeps memory bounded however many clients send large ones.
 */
const BYTES_IN_WORK_MAX = 32 * 1024 * 1024;
/** Bodies up to here are not counted: nobody who sends large ones keeps a small one out. */
const SMALL_BYTES = 16 * 1024;

/** Keeps the bodies that are worked on at once within a bound. */
export class BodyBudget {
  #inWork = 0;

  /**
   * Runs `work` on a request while the bytes of its body are counted; one that does not say how
   * long it is counts as long as it may be. Throws a Problem 503 where there is no room for it.
   */
  async within<T>(request: IncomingMessage, bytesMax: number, work: () => Promise<T>): Promise<T> {
    const bytes = expectedBytes(request, bytesMax);
    if (bytes <= SMALL_BYTES) return work();
    if (this.#inWork + bytes > BYTES_IN_WORK_MAX) {
      throw new Problem('overloaded', 'Too many large requests are worked on just now.', {
        headers: { 'Retry-After': '1', Connection: 'close' },
      });
    }
    this.#inWork += bytes;
    try {
      return await work();
    } finally {
      this.#inWork -= bytes;
    }
  }
}

function expectedBytes({ headers }: IncomingMessage, bytesMax: number): number {
  if (headers['transfer-encoding'] !== undefined) return bytesMax;
  return Math.min(Number(headers['content-length'] ?? 0) || 0, bytesMax);
}
