import { createApiKey, revokeApiKey } from './api-keys.js';
import { Batch } from './batch.js';
import { CartGrew } from './cart-grew.js';
import { addToCart, removeFromCart } from './cart-items.js';
import type { Changes } from './changes.js';
import { finishCleanup, startCleanup } from './cleanups.js';
import { type Command, type Outcome, productIdsOf, refused } from './command.js';
import { createEventTicket } from './event-ticket.js';
import {
  expireHolds,
  extendHold,
  type HoldRules,
  releaseCart,
  releaseHold,
  reserve,
  takeOffHold,
} from './holds.js';
import type { IdempotencyRecord } from './idempotency.js';
import type { Loaded } from './loaded.js';
import {
  attachPayment,
  attendOrder,
  cancelOrder,
  createOrder,
  expireOrder,
  notePaymentEvent,
  settleOrder,
} from './orders.js';
import { tellOverdue } from './overdue.js';
import { createProducts, publish, updateProduct } from './products.js';
import { isRemembered } from './refusal.js';
import { endRental, releaseUnits, rent } from './rentals.js';
import { isHeld } from './reservation.js';
import { confirmCart, confirmHold, sell } from './sales.js';
import { changeStock } from './stock-changes.js';
import { startSync, syncProduct } from './sync.js';
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  disableWebhookEndpoint,
  retryWebhookDelivery,
  updateWebhookEndpoint,
  type WebhookRules,
} from './webhook-endpoints.js';

/** A command's answer. */
export interface Settlement {
  readonly outcome: Outcome;
  /** the answer was given before, to the same idempotency key */
  readonly replayed: boolean;
}

export interface Decision {
  /** one for each command, in the same order; CartGrew: it is to be sent again */
  readonly settlements: readonly (Settlement | CartGrew)[];
  readonly changes: Changes;
}

export interface DecisionRules extends HoldRules, WebhookRules {
  /** ms for which an idempotency key keeps its answer */
  readonly idempotencyTtlMs: number;
}

/**
 * Decides a batch: each command in order, on what those before it left. Synchronous and pure but
 * for the ids of new products, which the insert fills in. A refused command leaves no trace.
 */
export function decide(
  commands: readonly Command[],
  loaded: Loaded,
  rules: DecisionRules,
): Decision {
  const batch = new Batch(loaded);
  const records = new Map(loaded.records.map((record) => [record.keyHash, record]));
  for (const productId of productsToMend(loaded)) {
    // A sync looks for itself, and tells what it found; a dry one repairs nothing.
    const cause = commands.find(
      (command) => command.kind !== 'sync' && productIdsOf(command).includes(productId),
    );
    if (cause) batch.mend(productId, cause);
  }
  const settlements = commands.map((command) => settleOrSendAgain(batch, command, records, rules));
  return { settlements, changes: batch.finish() };
}

/**
 * The products whose counters, edited from outside, no longer cover the rentals and the holds that
 * the batch may end. They are mended first, in the same transaction.
 */
export function productsToMend(
  loaded: Pick<Loaded, 'now' | 'products' | 'rentals' | 'reservations' | 'dueHolds'>,
): number[] {
  const { now, products, rentals, reservations, dueHolds } = loaded;
  if (rentals.length + reservations.length + dueHolds.length === 0) return [];
  const out = unitsByProduct(rentals.filter(({ status }) => status === 'active'));
  const active = reservations.filter(({ status }) => status === 'reserved');
  const held = unitsByProduct(active.filter((row) => isHeld(row, now)));
  const stale = unitsByProduct(active.filter((row) => !isHeld(row, now)));
  // All that is due, of which only some is loaded; unless the hint hid that anything is.
  const due = new Map(dueHolds.map(({ productId, units }) => [productId, units]));
  return products
    .filter(
      ({ id, quantityRented, quantityReserved }) =>
        quantityRented < (out.get(id) ?? 0) ||
        quantityReserved < (held.get(id) ?? 0) + (due.get(id) ?? stale.get(id) ?? 0),
    )
    .map(({ id }) => id);
}

function unitsByProduct(
  rows: readonly { readonly productId: number; readonly quantity: number }[],
): Map<number, number> {
  const units = new Map<number, number>();
  for (const { productId, quantity } of rows) {
    units.set(productId, (units.get(productId) ?? 0) + quantity);
  }
  return units;
}

/** Decides one command; what is to be sent again is told as such, and has changed nothing. */
function settleOrSendAgain(...args: Parameters<typeof settle>): Settlement | CartGrew {
  try {
    return settle(...args);
  } catch (error) {
    if (error instanceof CartGrew) return error;
    throw error;
  }
}

function settle(
  batch: Batch,
  command: Command,
  records: Map<string, IdempotencyRecord>,
  rules: DecisionRules,
): Settlement {
  const key = command.idempotency;
  if (!key) return { outcome: apply(batch, command, rules), replayed: false };

  const known = records.get(key.keyHash);
  if (known && known.expiresAt > batch.now) {
    return known.requestHash === key.requestHash
      ? { outcome: known.outcome, replayed: true }
      : { outcome: refused({ code: 'idempotency_key_reused' }), replayed: false };
  }
  const outcome = apply(batch, command, rules);
  if (outcome.ok || isRemembered(outcome.refusal)) {
    if (known) batch.changes.expiredKeys.push(known.keyHash);
    const record = {
      ...key,
      storeId: command.storeId,
      commandId: command.id,
      outcome,
      createdAt: batch.now,
      expiresAt: batch.now + rules.idempotencyTtlMs,
    };
    batch.changes.records.push(record);
    records.set(key.keyHash, record);
  }
  return { outcome, replayed: false };
}

function apply(batch: Batch, command: Command, rules: DecisionRules): Outcome {
  switch (command.kind) {
    case 'rent':
      return rent(batch, command);
    case 'cancel':
    case 'complete':
      return endRental(batch, command);
    case 'release_units':
      return releaseUnits(batch, command);
    case 'reserve':
      return reserve(batch, command, rules);
    case 'take_off_hold':
      return takeOffHold(batch, command);
    case 'extend':
      return extendHold(batch, command, rules);
    case 'confirm':
      return confirmHold(batch, command);
    case 'release':
      return releaseHold(batch, command);
    case 'confirm_cart':
      return confirmCart(batch, command, rules);
    case 'release_cart':
      return releaseCart(batch, command, rules);
    case 'sell':
      return sell(batch, command);
    case 'add_to_cart':
      return addToCart(batch, command, rules);
    case 'remove_from_cart':
      return removeFromCart(batch, command);
    case 'restock':
    case 'adjust':
      return changeStock(batch, command);
    case 'expire':
      return expireHolds(batch, command);
    case 'start_cleanup':
      return startCleanup(batch, command);
    case 'finish_cleanup':
      return finishCleanup(batch, command);
    case 'create_order':
      return createOrder(batch, command, rules);
    case 'attach_payment':
      return attachPayment(batch, command);
    case 'attend_order':
      return attendOrder(batch, command);
    case 'settle_order':
      return settleOrder(batch, command);
    case 'cancel_order':
      return cancelOrder(batch, command);
    case 'expire_order':
      return expireOrder(batch, command);
    case 'note_payment_event':
      return notePaymentEvent(batch, command);
    case 'create_products':
      return createProducts(batch, command);
    case 'publish':
    case 'unpublish':
      return publish(batch, command);
    case 'update':
      return updateProduct(batch, command);
    case 'create_api_key':
      return createApiKey(batch, command);
    case 'revoke_api_key':
      return revokeApiKey(batch, command);
    case 'create_event_ticket':
      return createEventTicket(batch, command);
    case 'create_webhook_endpoint':
      return createWebhookEndpoint(batch, command, rules);
    case 'update_webhook_endpoint':
      return updateWebhookEndpoint(batch, command);
    case 'delete_webhook_endpoint':
      return deleteWebhookEndpoint(batch, command);
    case 'disable_webhook_endpoint':
      return disableWebhookEndpoint(batch, command);
    case 'retry_webhook_delivery':
      return retryWebhookDelivery(batch, command);
    case 'tell_overdue':
      return tellOverdue(batch, command);
    case 'start_sync':
      return startSync(batch, command);
    case 'sync':
      return syncProduct(batch, command);
  }
}
