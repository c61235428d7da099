import { z } from 'zod';
import { RENTAL_STATUSES } from '../../../machines/rental.js';
import { RESERVATION_STATUSES } from '../../../machines/reservation.js';
import type { AuditLine } from '../../persistence/reads/movements.js';
import { ADMIN } from '../caller.js';
import { endpoint, type Reply, type Surface } from '../endpoint.js';
import { camelListOf, nextCursorOf } from '../lists.js';
import { resellerProductId } from '../reservations/schemas.js';
import {
  cursorAfterId,
  freeText,
  iso,
  pageLimit,
  productRefText,
  timestamp,
  units,
  uuidText,
} from '../schemas.js';
import { AUDIT_ACTIONS, AUDITED, kindsOf } from './actions.js';

const AuditListQuery = z.strictObject({
  action: z.enum(AUDIT_ACTIONS).optional(),
  resellerProductId: productRefText.optional(),
  reservationId: uuidText.optional(),
  limit: pageLimit,
  cursor: cursorAfterId.optional(),
});

const StatusReply = z.strictObject({
  status: z.enum([...RESERVATION_STATUSES, ...RENTAL_STATUSES]).nullable(),
});

const AuditLineReply = z
  .strictObject({
    id: z.int(),
    action: z.enum(AUDIT_ACTIONS),
    actor: z.string().meta({ description: 'Who did it; `system` where a hold just fell due.' }),
    cartId: z.string().nullable(),
    expiresAt: timestamp
      .nullable()
      .meta({ description: 'When its reservation expires, or expired: as that stands now.' }),
    resellerProductId,
    sku: z.string(),
    reservationId: z.uuid().nullable(),
    orderId: z.string().nullable(),
    rentalId: z.uuid().nullable(),
    quantity: z.int().meta({
      description:
        'The units that it is about: held, rented, given back or returned. Of RESERVATION_UPDATED the units held more, of PRODUCT_ and STOCK_ actions the units owned more: below 0 where it is fewer.',
    }),
    reason: freeText(500).nullable(),
    before: StatusReply.meta({
      description:
        'Of its reservation, else of its rental: `null` before it was made, and where the line is about neither.',
    }),
    after: StatusReply.meta({
      description: '`reserved` also after RESERVATION_CONFIRMED, where some of it was not used up.',
    }),
    availableStock: units.meta({ description: 'Free units right after it.' }),
    at: timestamp,
  })
  .meta({ id: 'AuditLine' });

const listAudit = endpoint({
  method: 'get',
  path: '/api/audit',
  operationId: 'listAudit',
  summary:
    "What happened in the store, newest first: one row for each line of its products' ledgers",
  tag: 'Audit',
  roles: ADMIN,
  query: AuditListQuery,
  replies: { 200: { description: 'A page.', schema: camelListOf(AuditLineReply) } },
  problems: [],
  async handle({ core, caller: { storeId }, query }): Promise<Reply> {
    const named = query.resellerProductId;
    const product = named === undefined ? null : await core.products.find(storeId, named);
    if (named !== undefined && !product) return { status: 200, body: NO_LINES };
    const page = await core.listAudit({
      storeId,
      kinds: kindsOf(query.action),
      productId: product?.id ?? null,
      reservationId: query.reservationId ?? null,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    const data = page.rows.map((line) => renderLine(line, named));
    return { status: 200, body: { data, nextCursor: nextCursorOf(page, ({ id }) => id) } };
  },
});

export const auditSurface: Surface = { spelling: 'camelCase', endpoints: [listAudit] };

const NO_LINES = { data: [], nextCursor: null };

function renderLine(
  line: AuditLine,
  said: number | string = line.productId,
): z.infer<typeof AuditLineReply> {
  const { action, quantity, before, after } = AUDITED[line.kind];
  return {
    id: line.id,
    action,
    actor: line.actor,
    cartId: line.cartId,
    expiresAt: iso(line.expiresAt),
    resellerProductId: said,
    sku: line.sku,
    reservationId: line.reservationId,
    orderId: line.orderId,
    rentalId: line.rentalId,
    quantity: quantity(line),
    reason: line.reason,
    before: { status: before },
    after: { status: after(line) },
    availableStock: line.after.quantityAvailable,
    at: iso(line.createdAt),
  };
}
