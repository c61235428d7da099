import type { Answer } from './actors/committer.js';
import type { ApiKey } from './domain/api-key.js';
import type { Command } from './domain/command.js';
import type { EventTicket } from './domain/event-ticket.js';
import type { LedgerLine } from './domain/movement.js';
import type { Cleanups } from './jobs/cleanup.js';
import type { Sync } from './jobs/sync.js';
import type { Payments } from './payments/payments.js';
import type { ReadCart } from './persistence/reads/carts.js';
import type { AuditLine, AuditQuery, LedgerQuery } from './persistence/reads/movements.js';
import type { OrderReads } from './persistence/reads/orders.js';
import type { StoreOverview } from './persistence/reads/overview.js';
import type { Page, ProductReads } from './persistence/reads/products.js';
import type { RentalReads } from './persistence/reads/rentals.js';
import type { ReservationReads } from './persistence/reads/reservations.js';
import type { WebhookReads } from './persistence/reads/webhooks.js';
import type { KeptReports } from './reports/kept.js';
import type { Reports } from './reports/reports.js';

/** Carries a command out; see Committer.send. */
export type Send = <C extends Command>(command: C) => Promise<Answer<C>>;

/** How a store stands, with the commands that this copy of the service refused. */
export interface Overview extends Omit<StoreOverview, 'activity'> {
  readonly activity: readonly (StoreOverview['activity'][number] & { readonly refusals: number })[];
}

/** What the service can do, without HTTP: the one way to write, and the reads. */
export interface Core {
  readonly send: Send;
  readonly sync: Sync;
  readonly products: ProductReads;
  readonly rentals: RentalReads;
  readonly reservations: ReservationReads;
  readonly cleanup: Cleanups;
  readonly orders: OrderReads;
  readonly payments: Payments;
  readonly readCart: ReadCart;
  readonly reports: Reports;
  readonly keptReports: KeptReports;
  readonly webhooks: WebhookReads;
  /** How a store stands; it may be two seconds old. */
  overview(storeId: number): Promise<Overview>;
  /** A product's ledger. */
  listMovements(query: LedgerQuery): Promise<Page<LedgerLine>>;
  /** Uses a ticket up, by its hash; null where it is not good (any more). */
  redeemEventTicket(ticketHash: string): Promise<EventTicket | null>;
  /** A store's ledger. */
  listAudit(query: AuditQuery): Promise<Page<AuditLine>>;
  /** A store's API keys that are not revoked, newest first, below the id `before`. */
  listApiKeys(query: {
    storeId: number;
    before: string | null;
    limit: number;
  }): Promise<Page<ApiKey>>;
}
