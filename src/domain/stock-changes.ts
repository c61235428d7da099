import type { ProductEvent } from '../../machines/product.js';
import type { Batch } from './batch.js';
import { type ChangedStock, type ChangeStock, done, type Outcome, refused } from './command.js';
import { takeFree } from './free-units.js';
import { groupBy } from './group-by.js';
import type { LiveProduct } from './live-product.js';
import { type LineRefusal, type Reason, refusalOfLines } from './refusal.js';

/** Adds units owned, or sets them to what was counted on hand. All lines, or none. */
export function changeStock(
  batch: Batch,
  command: ChangeStock,
): Outcome<{ lines: readonly ChangedStock[] }> {
  const short = linesThatFail(batch, command);
  if (short.length > 0) return refused(refusalOfLines(short));
  const changes = command.lines.map((line) => {
    const product = batch.product({ ...command, ...line });
    if (!product) throw new Error(`product ${line.productId} is gone`);
    const event = eventFor(command, line.quantity);
    const sent = takeFree(batch, product, command, event, unitsTakenBy(event, product));
    if ('refusal' in sent)
      throw new Error(`product ${line.productId} refused what it had accepted`);
    // A count that finds what was known changes nothing.
    if (sent.delta.quantity !== 0) {
      batch.move(product, command, { kind: command.kind, sent, reason: line.reason });
    }
    return { product, change: sent.delta.quantity };
  });
  return done({
    lines: changes.map(({ product, change }) => ({ product: batch.told(product), change })),
  });
}

/** Each product decides on all its lines; where it refuses, all of them are named. */
function linesThatFail(batch: Batch, command: ChangeStock): LineRefusal[] {
  const byProduct = groupBy(command.lines.entries(), ([, { productId }]) => productId);
  return [...byProduct].flatMap(([productId, group]) => {
    const events = group.map(([, { quantity }]) => eventFor(command, quantity));
    const reason = refusalFor(batch, { ...command, productId }, events);
    const product = batch.product({ ...command, productId });
    const available = product ? batch.freeUnits(product) : 0;
    return reason ? group.map(([index]) => ({ index, reason, available })) : [];
  });
}

function refusalFor(
  batch: Batch,
  command: ChangeStock & { productId: number },
  events: readonly ProductEvent[],
): Reason | null {
  const product = batch.product(command);
  if (!product) return { code: 'product_not_found' };
  if (command.kind === 'adjust' && events.length > 1) {
    const message = 'is counted twice: send one count for each product';
    return { code: 'validation_failed', errors: [{ field: 'quantity', message }] };
  }
  const taken = events.reduce((total, event) => total + unitsTakenBy(event, product), 0);
  const due = batch.dueFor(product, taken - product.row.quantityAvailable);
  const units = due.reduce((total, { quantity }) => total + quantity, 0);
  return product.trial(units > 0 ? [{ type: 'EXPIRE', units }, ...events] : events);
}

const eventFor = ({ kind }: ChangeStock, quantity: number): ProductEvent =>
  kind === 'restock' ? { type: 'RESTOCK', units: quantity } : { type: 'COUNT', onHand: quantity };

/** Free units that an event takes away: those that were counted as missing. */
function unitsTakenBy(event: ProductEvent, { row }: LiveProduct): number {
  if (event.type !== 'COUNT') return 0;
  return Math.max(0, row.quantityAvailable + row.quantityReserved - event.onHand);
}
