import type { Core } from '../../core.js';
import { mayTouchCart, mayTouchReservation } from '../../domain/carts.js';
import type { CommandHeader } from '../../domain/command.js';
import type { IdempotencyKey } from '../../domain/idempotency.js';
import type { ToldReservation } from '../../domain/reservation.js';
import { newId } from '../../ids.js';
import { ADMIN, ANYONE, BACK_OFFICE, type Caller, ownerOf } from '../caller.js';
import { endpoint, type Reply, replyTo, type Surface } from '../endpoint.js';
import { camelListOf, nextCursorOf } from '../lists.js';
import { Problem, problemOf } from '../problem.js';
import { findProduct, productIdOf } from '../products/routes.js';
import { toMs, toProductRef } from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';
import { renderRental, renderReservation, renderStock } from './replies.js';
import {
  CartConfirmedReply,
  CartPath,
  CartReleasedReply,
  CartReply,
  CleanupReply,
  ConfirmationBody,
  ConfirmedReply,
  HeldReply,
  ReservationListQuery,
  ReservationPath,
  ReservationReply,
  reservationBodies,
  StockPath,
  StockQuery,
  StockReply,
} from './schemas.js';

const tag = 'Reservations';

function createReservation(body: ReturnType<typeof reservationBodies>['NewReservation']) {
  return endpoint({
    method: 'post',
    path: '/api/reservations',
    operationId: 'createReservation',
    summary: 'Hold units of a product for a cart',
    description:
      'Sets what the cart holds of the product and when that expires; a hold that is due counts as none. However often it is renewed, a hold ends RESERVATION_MAX_MINUTES after it was made. A customer has at most MAX_ACTIVE_HOLDS holds at once, whatever carts they are in; one that is due does not count, and callers of other roles have no such limit.',
    tag,
    roles: ANYONE,
    body,
    replies: {
      200: { description: 'The cart held some already: it was changed.', schema: HeldReply },
      201: { description: 'A new reservation.', schema: HeldReply },
    },
    problems: [
      'product_not_found',
      'not_available',
      'out_of_stock',
      'insufficient_stock',
      'hold_limit_reached',
    ],
    async handle({ core, caller, body, header }) {
      const said = body.resellerProductId;
      // Hot, like createRental: so the fields are written out here too.
      const { id, storeId, actor, idempotency } = header();
      const answer = await core.send({
        id,
        storeId,
        actor,
        idempotency,
        kind: 'reserve',
        ownerId: ownerOf(caller),
        how: 'set',
        lines: [
          {
            productId: await productIdOf(core, caller, toProductRef(said)),
            cartId: body.cartId,
            quantity: body.quantity,
            customerId: customerFor(caller, body.customerId),
            expiry: { lastsMs: toMs(body.expiresInMinutes) },
            reservationId: newId(),
          },
        ],
        reason: null,
      });
      return replyTo(
        answer,
        ({ lines: [held] }) => {
          if (!held) throw new Error('a hold was asked for and not answered');
          const body = Object.assign(renderReservation(held.reservation, said), {
            availableStock: held.quantityAvailable,
          });
          return { status: held.isNew ? 201 : 200, body };
        },
        { line: () => ({ reseller_product_id: said, requested: body.quantity }) },
      );
    },
  });
}

const getStock = endpoint({
  method: 'get',
  path: '/api/reservations/stock/:resellerProductId',
  operationId: 'getReservableStock',
  summary: 'What could be held of a product now',
  tag,
  roles: ANYONE,
  params: StockPath,
  query: StockQuery,
  replies: { 200: { description: 'What is free now.', schema: StockReply } },
  problems: ['product_not_found'],
  async handle({ core, caller, params, query }) {
    const { cartId } = query;
    const held = cartId === undefined ? [] : await heldByCart(core, caller, cartId);
    const product = await findProduct(core, caller, params.resellerProductId);
    const own = held.find(({ productId }) => productId === product.id);
    return {
      status: 200,
      body: renderStock(product, params.resellerProductId, own?.quantity ?? 0),
    };
  },
});

const getCart = endpoint({
  method: 'get',
  path: '/api/reservations/cart/:cartId',
  operationId: 'getCartReservations',
  summary: 'What a cart holds now, oldest first',
  tag,
  roles: ANYONE,
  params: CartPath,
  replies: { 200: { description: 'Its active reservations.', schema: CartReply } },
  problems: [],
  async handle({ core, caller, params: { cartId } }) {
    const held = await heldByCart(core, caller, cartId);
    return { status: 200, body: { cartId, data: held.map((one) => renderReservation(one)) } };
  },
});

const confirmCart = endpoint({
  method: 'post',
  path: '/api/reservations/cart/:cartId/confirm',
  operationId: 'confirmCart',
  summary: 'Turn all that a cart holds into rentals, or nothing',
  description:
    'Again for the same order it is the same answer. Where a hold expired and was neither made anew nor deleted, nothing is confirmed, and `errors` names each that did.',
  tag,
  roles: ANYONE,
  params: CartPath,
  body: ConfirmationBody,
  replies: { 200: { description: 'What was confirmed.', schema: CartConfirmedReply } },
  problems: ['reservation_not_found', 'reservation_expired'],
  async handle({ core, caller, params: { cartId }, body: { orderId }, header }) {
    const productIds = await productsOfCart(core, caller, cartId);
    const answer = await core.send({
      ...header(),
      kind: 'confirm_cart',
      ownerId: ownerOf(caller),
      cartId,
      productIds,
      orderId,
      rentalIds: productIds.map(newId),
    });
    return replyTo(answer, ({ reservations, rentals }) => ({
      status: 200,
      body: {
        cartId,
        orderId,
        reservations: reservations.map((one) => renderReservation(one)),
        rentals: rentals.map(renderRental),
      },
    }));
  },
});

const releaseCart = endpoint({
  method: 'delete',
  path: '/api/reservations/cart/:cartId',
  operationId: 'releaseCart',
  summary: 'Give all that a cart holds back',
  description:
    'Where nothing is held, that is answered; where it was confirmed, it is refused. Holds that expired stand in the way of confirming the cart no longer.',
  tag,
  roles: ANYONE,
  params: CartPath,
  replies: { 200: { description: 'What was given back.', schema: CartReleasedReply } },
  problems: ['invalid_transition'],
  async handle({ core, caller, params: { cartId }, header }) {
    const answer = await core.send({
      ...header(),
      kind: 'release_cart',
      ownerId: ownerOf(caller),
      cartId,
      productIds: await productsOfCart(core, caller, cartId),
      reason: 'cancelled',
      mustBeKnown: false,
      refuseConfirmed: true,
    });
    return replyTo(answer, ({ reservations }) => ({
      status: 200,
      body: {
        cartId,
        released: reservations.reduce((units, { quantity }) => units + quantity, 0),
        reservations: reservations.map((one) => renderReservation(one)),
      },
    }));
  },
});

const cleanUp = endpoint({
  method: 'post',
  path: '/api/reservations/cleanup',
  operationId: 'cleanUpReservations',
  summary: "Write down that the store's holds that are due are over",
  description: 'They block nobody meanwhile: this is bookkeeping, and a job does it by itself.',
  tag,
  roles: ADMIN,
  replies: { 200: { description: 'What was ended.', schema: CleanupReply } },
  problems: ['idempotency_in_progress'],
  async handle({ core, header }) {
    const head = header();
    if (head.idempotency) return cleanUpOnce(core, head, head.idempotency);
    const { storeId, actor } = head;
    return { status: 200, body: await core.cleanup.run(storeId, { actor }) };
  },
});

const listReservations = endpoint({
  method: 'get',
  path: '/api/reservations',
  operationId: 'listReservations',
  summary: "The store's reservations, newest first",
  description: 'What a customer holds is in its carts.',
  tag,
  roles: BACK_OFFICE,
  query: ReservationListQuery,
  replies: { 200: { description: 'A page.', schema: camelListOf(ReservationReply) } },
  problems: [],
  async handle({ core, caller: { storeId }, query }) {
    const named = query.resellerProductId;
    const product = named === undefined ? null : await core.products.find(storeId, named);
    if (named !== undefined && !product)
      return { status: 200, body: { data: [], nextCursor: null } };
    const page = await core.reservations.list({
      storeId,
      status: query.status ?? null,
      productId: product?.id ?? null,
      cartId: query.cartId ?? null,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    const data = page.rows.map((one) => renderReservation(one, named));
    return { status: 200, body: { data, nextCursor: nextCursorOf(page, ({ id }) => id) } };
  },
});

const getReservation = endpoint({
  method: 'get',
  path: '/api/reservations/:id',
  operationId: 'getReservation',
  summary: 'A reservation',
  tag,
  roles: ANYONE,
  params: ReservationPath,
  replies: { 200: { description: 'The reservation.', schema: ReservationReply } },
  problems: ['reservation_not_found'],
  async handle({ core, caller, params }) {
    const reservation = await findReservation(core, caller, params.id);
    return { status: 200, body: renderReservation(reservation) };
  },
});

function extendReservation(body: ReturnType<typeof reservationBodies>['Extension']) {
  return endpoint({
    method: 'patch',
    path: '/api/reservations/:id/extend',
    operationId: 'extendReservation',
    summary: 'Let a reservation expire later',
    tag,
    roles: ANYONE,
    params: ReservationPath,
    body,
    replies: { 200: { description: 'The reservation.', schema: ReservationReply } },
    problems: [
      'reservation_not_found',
      'reservation_expired',
      'extension_limit_reached',
      'invalid_transition',
    ],
    async handle({ core, caller, params, body, header }) {
      const answer = await core.send({
        ...header(),
        kind: 'extend',
        ownerId: ownerOf(caller),
        productId: await productOf(core, caller, params.id),
        reservationId: params.id,
        byMs: toMs(body.additionalMinutes),
      });
      return replyTo(answer, (extended) => ({ status: 200, body: renderReservation(extended) }));
    },
  });
}

const confirmReservation = endpoint({
  method: 'post',
  path: '/api/reservations/:id/confirm',
  operationId: 'confirmReservation',
  summary: 'Turn a reservation into a rental',
  description: 'Again for the same order it is the same answer.',
  tag,
  roles: ANYONE,
  params: ReservationPath,
  body: ConfirmationBody,
  replies: { 200: { description: 'It, and its rental.', schema: ConfirmedReply } },
  problems: ['reservation_not_found', 'reservation_expired', 'invalid_transition'],
  async handle({ core, caller, params, body, header }) {
    const answer = await core.send({
      ...header(),
      kind: 'confirm',
      ownerId: ownerOf(caller),
      productId: await productOf(core, caller, params.id),
      reservationId: params.id,
      orderId: body.orderId,
      rentalId: newId(),
    });
    return replyTo(answer, ({ reservation, rental }) => ({
      status: 200,
      body: { ...renderReservation(reservation), rental: renderRental(rental) },
    }));
  },
});

const releaseReservation = endpoint({
  method: 'delete',
  path: '/api/reservations/:id',
  operationId: 'releaseReservation',
  summary: 'Give the units of a reservation back',
  description:
    'One that was released or has expired is answered as it stands; one that has expired stands in the way of confirming its cart no longer.',
  tag,
  roles: ANYONE,
  params: ReservationPath,
  replies: { 200: { description: 'The reservation.', schema: ReservationReply } },
  problems: ['reservation_not_found', 'invalid_transition'],
  async handle({ core, caller, params, header }) {
    const answer = await core.send({
      ...header(),
      kind: 'release',
      ownerId: ownerOf(caller),
      productId: await productOf(core, caller, params.id),
      reservationId: params.id,
      reason: 'manual',
    });
    return replyTo(answer, (released) => ({ status: 200, body: renderReservation(released) }));
  },
});

/** Document 4. Fixed paths stand before those with an id in the same place. */
export function reservationSurface(settings: SurfaceSettings): Surface {
  const { NewReservation, Extension } = reservationBodies(settings);
  return {
    spelling: 'camelCase',
    endpoints: [
      createReservation(NewReservation),
      listReservations,
      cleanUp,
      getStock,
      getCart,
      confirmCart,
      releaseCart,
      getReservation,
      extendReservation(Extension),
      confirmReservation,
      releaseReservation,
    ],
  };
}

/** Whose a new hold is. Throws 403 where a customer names somebody else. */
function customerFor(caller: Caller, named: string | null): string | null {
  const owner = ownerOf(caller);
  if (owner !== null && named !== null && named !== owner) {
    throw new Problem('forbidden', 'A customer may name only itself as customerId.');
  }
  return owner ?? named;
}

/** What a cart holds now. Throws 403 where the cart is somebody else's. */
async function heldByCart(
  core: Core,
  caller: Caller,
  cartId: string,
): Promise<readonly ToldReservation[]> {
  const held = await core.reservations.heldByCart(caller.storeId, cartId);
  if (!mayTouchCart(ownerOf(caller), cartId, held)) throw problemOf({ code: 'forbidden' });
  return held;
}

/**
 * The products that a command on a whole cart locks; if there are more by then, it is told so.
 * Whose the cart is, the command finds out itself: a repeat gets its first answer, whoever has the
 * cart by now.
 */
async function productsOfCart(core: Core, { storeId }: Caller, cartId: string): Promise<number[]> {
  const held = await core.reservations.heldByCart(storeId, cartId);
  return held.map(({ productId }) => productId);
}

/** The product that a command on a reservation locks. Throws 404 where there is no such one. */
async function productOf(core: Core, { storeId }: Caller, id: string): Promise<number> {
  const reservation = await core.reservations.find(storeId, id);
  if (!reservation) throw problemOf({ code: 'reservation_not_found' });
  return reservation.productId;
}

/** The reservation, where the caller may touch it. Throws 404. */
async function findReservation(core: Core, caller: Caller, id: string): Promise<ToldReservation> {
  const { storeId } = caller;
  const owner = ownerOf(caller);
  const reservation = await core.reservations.find(storeId, id);
  const held =
    reservation && owner !== null
      ? await core.reservations.heldByCart(storeId, reservation.cartId)
      : [];
  if (!reservation || !mayTouchReservation(owner, reservation, held)) {
    throw problemOf({ code: 'reservation_not_found' });
  }
  return reservation;
}

/**
 * A cleanup takes more than one transaction, so the first one commits the key together with the
 * run's id. A repeat carries that run on, and in the end gets the same summary.
 */
async function cleanUpOnce(
  core: Core,
  header: CommandHeader,
  { keyHash }: IdempotencyKey,
): Promise<Reply> {
  const { storeId, actor } = header;
  const answer = await core.send({ ...header, kind: 'start_cleanup', runId: newId() });
  const summary = answer.outcome.ok
    ? await core.cleanup.carryOut({ cleanup: answer.outcome.value, storeId, keyHash, actor })
    : null;
  return replyTo(answer, () => {
    if (!summary) {
      throw new Problem(
        'idempotency_in_progress',
        'Another copy of the service is still at this cleanup. Send the request again later.',
        { headers: { 'Retry-After': '5' } },
      );
    }
    return { status: 200, body: summary };
  });
}
