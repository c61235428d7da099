import type { Core } from '../../core.js';
import type { RentalTaken } from '../../domain/command.js';
import type { Rental } from '../../domain/rental.js';
import { newId } from '../../ids.js';
import { ANYONE, BACK_OFFICE, type Caller, ownerOf, userFor } from '../caller.js';
import { endpoint, replyTo, type Surface } from '../endpoint.js';
import { listOf, pageReply } from '../lists.js';
import { problemOf } from '../problem.js';
import { productIdOf } from '../products/routes.js';
import { iso } from '../schemas.js';
import {
  CancelBody,
  NewRentalBody,
  RentalListQuery,
  RentalPath,
  RentalReply,
  type RentalTakenReply,
  RentalTakenReply as RentalTakenReplySchema,
} from './schemas.js';

const tag = 'Rentals';

const createRental = endpoint({
  method: 'post',
  path: '/api/rentals',
  operationId: 'createRental',
  summary: 'Rent units of a product',
  description: 'A customer rents for itself; a back end for anyone, or for nobody it knows of.',
  tag,
  roles: ANYONE,
  body: NewRentalBody,
  replies: { 201: { description: 'The rental.', schema: RentalTakenReplySchema } },
  problems: ['product_not_found', 'not_available', 'out_of_stock', 'insufficient_stock'],
  async handle({ core, caller, body, header }) {
    const productId = await productIdOf(core, caller, body.product_id);
    // The hottest route: spreading an object into another costs more than anything else in it.
    const { id, storeId, actor, idempotency } = header();
    const answer = await core.send({
      id,
      storeId,
      actor,
      idempotency,
      kind: 'rent',
      productId,
      rentalId: newId(),
      quantity: body.quantity,
      userId: userFor(caller, body.user_id),
      startsAt: body.starts_at,
      endsAt: body.ends_at,
      orderId: body.order_id,
    });
    return replyTo(answer, (taken) => ({ status: 201, body: renderTaken(taken) }));
  },
});

const listRentals = endpoint({
  method: 'get',
  path: '/api/rentals',
  operationId: 'listRentals',
  summary: 'List rentals, newest first',
  description: 'A customer sees its own.',
  tag,
  roles: ANYONE,
  query: RentalListQuery,
  replies: { 200: { description: 'A page.', schema: listOf(RentalReply) } },
  problems: [],
  async handle({ core, caller, query }) {
    const userId = userFor(caller, query.user_id);
    const product =
      query.product_id === undefined
        ? null
        : await core.products.find(caller.storeId, query.product_id);
    if (query.product_id !== undefined && !product) return pageReply([], null);
    const page = await core.rentals.list({
      storeId: caller.storeId,
      productId: product?.id ?? null,
      userId,
      status: query.status ?? null,
      overdue: query.overdue ?? null,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    return pageReply(page.rows.map(renderRental), page.hasMore ? page.rows.at(-1)?.id : null);
  },
});

const getRental = endpoint({
  method: 'get',
  path: '/api/rentals/:rentalId',
  operationId: 'getRental',
  summary: 'A rental',
  tag,
  roles: ANYONE,
  params: RentalPath,
  replies: { 200: { description: 'The rental.', schema: RentalReply } },
  problems: ['rental_not_found'],
  async handle({ core, caller, params }) {
    const rental = await findRental(core, caller, params.rentalId);
    return { status: 200, body: renderRental(rental) };
  },
});

const cancelRental = endpoint({
  method: 'post',
  path: '/api/rentals/:rentalId/cancel',
  operationId: 'cancelRental',
  summary: 'Cancel a rental: its units are free again',
  tag,
  roles: ANYONE,
  params: RentalPath,
  body: CancelBody,
  replies: { 200: { description: 'The rental.', schema: RentalReply } },
  problems: ['rental_not_found', 'invalid_transition'],
  async handle({ core, caller, params, body, header }) {
    const rental = await findRental(core, caller, params.rentalId);
    const answer = await core.send({
      ...header(),
      kind: 'cancel',
      productId: rental.productId,
      rentalId: rental.id,
      ownerId: ownerOf(caller),
      reason: body.reason,
    });
    return replyTo(answer, (ended) => ({ status: 200, body: renderRental(ended) }));
  },
});

const completeRental = endpoint({
  method: 'post',
  path: '/api/rentals/:rentalId/complete',
  operationId: 'completeRental',
  summary: 'Complete a rental: its units came back',
  tag,
  roles: BACK_OFFICE,
  params: RentalPath,
  replies: { 200: { description: 'The rental.', schema: RentalReply } },
  problems: ['rental_not_found', 'invalid_transition'],
  async handle({ core, caller, params, header }) {
    const rental = await findRental(core, caller, params.rentalId);
    const answer = await core.send({
      ...header(),
      kind: 'complete',
      productId: rental.productId,
      rentalId: rental.id,
      ownerId: null,
      reason: null,
    });
    return replyTo(answer, (ended) => ({ status: 200, body: renderRental(ended) }));
  },
});

export const rentalSurface: Surface = {
  spelling: 'snake_case',
  endpoints: [createRental, listRentals, getRental, cancelRental, completeRental],
};

/** The rental, where the caller may see it. Throws 404. */
async function findRental(core: Core, caller: Caller, id: string): Promise<Rental> {
  const rental = await core.rentals.find(caller.storeId, id);
  const owner = ownerOf(caller);
  if (!rental || (owner !== null && rental.userId !== owner)) {
    throw problemOf({ code: 'rental_not_found' });
  }
  return rental;
}

/** A rental as replies of the surfaces in snake_case show it. */
export function renderRental(rental: Rental): RentalReply {
  return {
    id: rental.id,
    store_id: rental.storeId,
    product_id: rental.productId,
    user_id: rental.userId,
    quantity: rental.quantity,
    status: rental.status,
    starts_at: iso(rental.startsAt),
    ends_at: iso(rental.endsAt),
    order_id: rental.orderId,
    reservation_id: rental.reservationId,
    created_at: iso(rental.createdAt),
    completed_at: iso(rental.completedAt),
    cancelled_at: iso(rental.cancelledAt),
    cancel_reason: rental.cancelReason,
  };
}

/** Every field written out: see createRental. */
function renderTaken({ rental, quantityAvailable, availabilityStatus }: RentalTaken) {
  return {
    id: rental.id,
    store_id: rental.storeId,
    product_id: rental.productId,
    user_id: rental.userId,
    quantity: rental.quantity,
    status: rental.status,
    starts_at: iso(rental.startsAt),
    ends_at: iso(rental.endsAt),
    order_id: rental.orderId,
    reservation_id: rental.reservationId,
    created_at: iso(rental.createdAt),
    completed_at: iso(rental.completedAt),
    cancelled_at: iso(rental.cancelledAt),
    cancel_reason: rental.cancelReason,
    quantity_available: quantityAvailable,
    availability_status: availabilityStatus,
  } satisfies RentalTakenReply;
}
