import type { Changes } from '../domain/changes.js';
import type { ProductTruth } from '../domain/drift.js';
import type { Instant } from '../domain/instant.js';
import type { Loaded } from '../domain/loaded.js';
import type { Needs } from '../domain/needs.js';
import { rentalIdsOfOrder } from '../domain/order.js';
import type { Reservation } from '../domain/reservation.js';
import { guarded } from '../guarded.js';
import { insertApiKeys, lockApiKeys, revokeApiKeys } from './api-keys.js';
import { readCartItems, removeCartItems, saveCartItems } from './cart-items.js';
import { markCommit, wasCommitted } from './commits.js';
import type { Database, Session } from './database.js';
import { readTruths } from './drift-scan.js';
import { DueUnits } from './due-units.js';
import { insertEventTickets } from './event-tickets.js';
import { insertEvents } from './events.js';
import {
  changeOutcomes,
  deleteExpiredRecords,
  insertRecords,
  readClockAndRecords,
} from './idempotency-keys.js';
import { appendMovements } from './movements.js';
import { insertOrders, lockOrders, saveOrders } from './orders.js';
import { findTakenSkus, insertProducts, lockProducts, saveProducts } from './products.js';
import { insertRentals, lockRentals, lockRentalsOfNobody, saveChangedRentals } from './rentals.js';
import {
  countHoldsOfCustomers,
  insertReservations,
  lockCustomers,
  readDueHolds,
  readReservations,
  saveChangedReservations,
} from './reservations.js';
import { insertSyncRuns, saveSyncFindings } from './sync-runs.js';
import { lockWebhookDeliveries, saveRetriedDeliveries } from './webhook-deliveries.js';
import {
  countEndpointsOfStores,
  deleteWebhookEndpoints,
  insertWebhookEndpoints,
  lockWebhookEndpoints,
  saveWebhookEndpoints,
} from './webhook-endpoints.js';
import { insertWebhookEvents, readKnownEvents } from './webhook-events.js';

/** A batch's transaction: lock and load, then save, then commit, each at most once. */
export interface BatchTransaction {
  /** Locks the products in order of id, then reads the time and the rest. */
  load(needs: Needs): Promise<Omit<Loaded, 'truths'>>;
  /** What the rentals and ledgers of locked products say; deep: with each ledger added up. */
  loadTruths(productIds: readonly number[], options: { deep: boolean }): Promise<ProductTruth[]>;
  /** Writes everything, a statement for each table. */
  save(changes: Changes, batch: { now: Instant; firstCommandId: string }): Promise<Mark | null>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** The command id by which a committed batch is known again; null where nothing was written. */
export type Mark = string;

export interface BatchStore {
  begin(): Promise<BatchTransaction>;
  /**
   * Finds out whether the transaction with this mark was committed: the old session is ended
   * first, so that it can't commit any more. Throws a DatabaseFault where it can't be found out.
   */
  wasCommitted(mark: Mark, sessionId: number | null): Promise<boolean>;
}

/** How long the two waits of a batch took, in ms. */
export interface BatchTimes {
  locked(ms: number): void;
  committed(ms: number): void;
}

export interface BatchStoreOptions {
  /** ms for which a hold that expired is still told from one that never was */
  readonly holdMaxMs: number;
}

export function batchStore(
  database: Database,
  options: BatchStoreOptions,
  observer: BatchTimes,
): BatchStore {
  const parts = { times: guarded(observer), dueUnits: new DueUnits() };
  return {
    async begin() {
      return transaction(await database.begin(), options, parts);
    },
    async wasCommitted(mark, sessionId) {
      if (sessionId !== null) await database.endSession(sessionId);
      return wasCommitted(database, mark);
    },
  };
}

function transaction(
  session: Session,
  options: BatchStoreOptions,
  { times, dueUnits }: { times: BatchTimes; dueUnits: DueUnits },
): BatchTransaction {
  let leftDue: Changes['leftDue'] = [];
  return {
    async load(needs) {
      const askedMs = performance.now();
      const products = await lockProducts(session, needs.productIds);
      await lockCustomers(session, [...needs.customers, ...guardsOf(needs.claimedCarts)]);
      times.locked(performance.now() - askedMs);
      const { now, records } = await readClockAndRecords(session, needs.keyHashes);
      const lately = now - options.holdMaxMs;
      const holds = [...needs.holds, ...needs.ownHoldsOf(products)];
      const reservations = await readReservations(session, { ...needs, holds }, lately);
      const due = await readDueHolds(session, products, { now, needs, known: dueUnits });
      const confirmed = rentalIdsToTell(needs, reservations);
      const customers = await countHoldsOfCustomers(session, needs.customers, now);
      const cartItems = await readCartItems(session, needs.cartItems);
      const orders = await lockOrders(session, needs);
      const knownPaymentEventIds = await readKnownEvents(session, needs.paymentEventIds);
      const named = await lockRentals(session, [
        ...needs.rentalIds,
        ...confirmed,
        ...orders.flatMap(rentalIdsOfOrder),
      ]);
      const rentals = new Map(named.map((rental) => [rental.id, rental]));
      for (const [productId, units] of needs.releases) {
        // Those that the batch ends by name may be among the oldest.
        const some = await lockRentalsOfNobody(session, productId, units + needs.rentalIds.length);
        for (const rental of some) rentals.set(rental.id, rental);
      }
      const takenSkus = await findTakenSkus(session, needs.skus);
      const apiKeys = await lockApiKeys(session, needs.apiKeyIds);
      const webhooks = {
        endpoints: await lockWebhookEndpoints(session, needs.webhookEndpointIds),
        deliveries: await lockWebhookDeliveries(session, needs.webhookDeliveryIds),
        counts: await countEndpointsOfStores(session, needs.webhookStores),
      };
      return {
        now,
        products,
        rentals: [...rentals.values()],
        reservations: distinct([...due.reservations, ...reservations]),
        dueHolds: due.dueHolds,
        customers,
        cartItems,
        orders,
        knownPaymentEventIds,
        records,
        takenSkus,
        apiKeys,
        webhooks,
      };
    },
    loadTruths: (productIds, how) => readTruths(session, productIds, how),
    save(changes, batch) {
      leftDue = changes.leftDue;
      return save(session, changes, batch);
    },
    async commit() {
      const askedMs = performance.now();
      await session.commit();
      for (const left of leftDue) dueUnits.left(left.productId, left);
      times.committed(performance.now() - askedMs);
    },
    rollback: () => session.rollback(),
  };
}

async function save(
  session: Session,
  changes: Changes,
  { now, firstCommandId }: { now: Instant; firstCommandId: string },
): Promise<Mark | null> {
  await insertProducts(session, changes.createdProducts);
  const lines = [...changes.createdProducts.map(({ opening }) => opening), ...changes.movements];
  await insertRentals(session, changes.newRentals);
  await saveChangedRentals(session, [...changes.changedRentals.values()]);
  // A cart's hold that is over makes room under the key for its next one.
  await saveChangedReservations(session, [...changes.changedReservations.values()]);
  await insertReservations(session, [...changes.newReservations.values()]);
  await removeCartItems(session, [...changes.removedCartItemIds]);
  await saveCartItems(session, [...changes.savedCartItems.values()]);
  // A cart's order that is over makes room under the key for its next one.
  await saveOrders(session, [...changes.changedOrders.values()]);
  await insertOrders(session, [...changes.newOrders.values()]);
  await insertWebhookEvents(session, changes.paymentEvents);
  await appendMovements(session, lines);
  await saveProducts(session, changes.changedProducts);
  await insertApiKeys(session, changes.newApiKeys);
  await revokeApiKeys(session, changes.revokedApiKeyIds, now);
  await insertSyncRuns(session, changes.newSyncRuns, now);
  await saveSyncFindings(session, changes.syncFindings, now);
  await deleteExpiredRecords(session, changes.expiredKeys, now);
  await insertEvents(session, changes.events);
  await insertEventTickets(session, changes.newEventTickets);
  const { webhooks } = changes;
  await insertWebhookEndpoints(session, [...webhooks.created.values()]);
  await saveWebhookEndpoints(session, [...webhooks.changed.values()]);
  await deleteWebhookEndpoints(session, [...webhooks.deleted]);
  await saveRetriedDeliveries(session, [...webhooks.retried.values()]);
  await insertRecords(session, changes.records);
  await changeOutcomes(session, changes.changedOutcomes);

  const [line] = lines;
  if (line) return line.commandId;
  const wroteSomething =
    changes.records.length +
      changes.changedOutcomes.size +
      changes.events.length +
      changes.newOrders.size +
      changes.changedOrders.size +
      changes.paymentEvents.length +
      changes.changedReservations.size +
      changes.changedProducts.length +
      changes.savedCartItems.size +
      changes.removedCartItemIds.size +
      changes.newApiKeys.length +
      changes.revokedApiKeyIds.length +
      changes.newEventTickets.length +
      webhooks.created.size +
      webhooks.changed.size +
      webhooks.deleted.size +
      webhooks.retried.size +
      changes.newSyncRuns.length +
      changes.syncFindings.length >
    0;
  if (!wroteSomething) return null;
  await markCommit(session, firstCommandId, now);
  return firstCommandId;
}

/** The rentals that a repeat of a confirmation tells of. What else was confirmed is of no interest. */
function rentalIdsToTell(
  { reservationIds, confirmations }: Needs,
  reservations: readonly Reservation[],
): string[] {
  if (reservationIds.length + confirmations.length === 0) return [];
  const ids = new Set(reservationIds);
  const orderIds = new Set<string | null>(confirmations.map(({ orderId }) => orderId));
  return reservations.flatMap(({ id, orderId, rentalId }) =>
    rentalId !== null && (ids.has(id) || orderIds.has(orderId)) ? [rentalId] : [],
  );
}

/**
 * The rows that guard carts: those of users that are called as the carts are. Where there is such a
 * user, the two wait for each other, and no more comes of it.
 */
const guardsOf = (carts: Needs['claimedCarts']) =>
  carts.map(({ storeId, cartId }) => ({ storeId, userId: cartId }));

const distinct = (reservations: readonly Reservation[]): Reservation[] => [
  ...new Map(reservations.map((reservation) => [reservation.id, reservation])).values(),
];
