import { checkoutCart } from '../../domain/carts.js';
import { newId } from '../../ids.js';
import { BACK_OFFICE, ownerOf } from '../caller.js';
import { type Endpoint, endpoint, replyTo } from '../endpoint.js';
import { iso } from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';
import { lineAt, linesOf, spellingOf } from './lines.js';
import { renderLevel } from './replies.js';
import {
  ConfirmSaleBody,
  ReleaseBody,
  ReleaseReply,
  ReserveBody,
  ReserveReply,
  SaleReply,
} from './schemas.js';

const tag = 'Inventory';

/** What a checkout does: hold, then sell or give back. */
export function checkoutRoutes(settings: SurfaceSettings): Endpoint[] {
  return [reserveInventory(settings), confirmSale, releaseInventory];
}

function reserveInventory({ reservationExpiryMinutes }: SurfaceSettings) {
  return endpoint({
    method: 'post',
    path: '/api/inventory/reserve',
    operationId: 'reserveInventory',
    summary: 'Hold units for checkouts: all of the list, or nothing',
    description:
      'Again for the same checkout and variant replaces what was held. Several lines for the same are their sum.',
    tag,
    roles: BACK_OFFICE,
    body: ReserveBody,
    takesList: true,
    replies: { 200: { description: 'For each line what is held.', schema: ReserveReply } },
    problems: ['product_not_found', 'not_available', 'out_of_stock', 'insufficient_stock'],
    async handle({ core, caller, body: { reservations }, header }) {
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
        lines: await linesOf({ core, caller }, reservations, (said, productId, i) => ({
          productId,
          cartId: checkoutCart(said.reservationId),
          quantity: said.quantity,
          customerId: null,
          expiry:
            said.expiresAt === null
              ? { lastsMs: reservationExpiryMinutes * 60_000 }
              : { at: said.expiresAt, field: `reservations[${i}].expiresAt` },
          reservationId: newId(),
        })),
        reason: null,
      });
      return replyTo(
        answer,
        (held) => {
          const body: ReserveReply = {
            success: true,
            reservations: held.lines.map(({ reservation, quantityAvailable }, i) => ({
              id: reservation.id,
              reservationId: lineAt(reservations, i).reservationId,
              variantId: lineAt(reservations, i).variantId,
              sku: reservation.sku,
              quantity: reservation.quantity,
              status: reservation.status,
              expiresAt: iso(reservation.expiresAt),
              availableQuantity: quantityAvailable,
            })),
          };
          return { status: 200, body };
        },
        spellingOf('reservations', reservations),
      );
    },
  });
}

const confirmSale = endpoint({
  method: 'post',
  path: '/api/inventory/confirm-sale',
  operationId: 'confirmSale',
  summary: 'Hand units out: all of the list, or nothing',
  description:
    'With a `reservationId` the hold of that checkout is used up first, and what it lacks is taken from free units. Each becomes a rental; lines for the same variant and checkout are one.',
  tag,
  roles: BACK_OFFICE,
  body: ConfirmSaleBody,
  takesList: true,
  replies: { 200: { description: 'For each line what is left.', schema: SaleReply } },
  problems: [
    'product_not_found',
    'reservation_not_found',
    'reservation_expired',
    'invalid_transition',
    'not_available',
    'out_of_stock',
    'insufficient_stock',
  ],
  async handle({ core, caller, body: { updates }, header }) {
    const answer = await core.send({
      ...header(),
      kind: 'sell',
      ownerId: ownerOf(caller),
      lines: await linesOf({ core, caller }, updates, (said, productId) => ({
        productId,
        quantity: said.quantity,
        cartId: said.reservationId === null ? null : checkoutCart(said.reservationId),
        holdMustExist: said.reservationId !== null,
        userId: null,
        reason: said.reason,
        rentalId: newId(),
      })),
      orderId: null,
      boughtBy: null,
    });
    return replyTo(
      answer,
      (sold) => {
        const body: SaleReply = {
          success: true,
          updates: sold.lines.map(({ product, rental }, i) => {
            const { variantId, quantity } = lineAt(updates, i);
            return { ...renderLevel(product, variantId), rentalId: rental.id, change: -quantity };
          }),
        };
        return { status: 200, body };
      },
      spellingOf('updates', updates),
    );
  },
});

const releaseInventory = endpoint({
  method: 'post',
  path: '/api/inventory/release',
  operationId: 'releaseInventory',
  summary: 'Give back all that a checkout holds',
  description: 'What is over already is left as it is: the list is then empty.',
  tag,
  roles: BACK_OFFICE,
  body: ReleaseBody,
  replies: { 200: { description: 'What was given back.', schema: ReleaseReply } },
  problems: ['reservation_not_found'],
  async handle({ core, caller, body: { reservationId, reason }, header }) {
    const cartId = checkoutCart(reservationId);
    const held = await core.reservations.heldByCart(caller.storeId, cartId);
    const answer = await core.send({
      ...header(),
      kind: 'release_cart',
      ownerId: ownerOf(caller),
      cartId,
      productIds: held.map(({ productId }) => productId),
      reason: reason ?? 'released',
      mustBeKnown: true,
    });
    return replyTo(answer, ({ reservations }) => {
      const released = reservations.map(({ productId: variantId, sku, quantity }) => ({
        variantId,
        sku,
        quantity,
      }));
      const body: ReleaseReply = { success: true, released };
      return { status: 200, body };
    });
  },
});
