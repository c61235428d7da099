import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const ID_BYTES = 16;
const POOL_BYTES = 256 * ID_BYTES;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;
let lastMs = 0;
let sequence = 0;

/**
 * A UUIDv7, larger than every one that this process made before. Randomness is fetched for many at
 * once, since asking the system for each is slow; given it, uuid leaves the order within a
 * millisecond to us.
 */
export function newId(): string {
  if (used === POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + ID_BYTES);
  used += ID_BYTES;
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // Leaves room to count up within the millisecond.
    sequence = random.readUInt32BE(0) & 0x7fff_ffff;
  } else {
    sequence++;
  }
  return v7({ random, msecs: lastMs, seq: sequence });
}
