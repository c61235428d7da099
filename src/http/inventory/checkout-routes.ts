import { checkoutCart } from '../../domain/carts.js';
import { newId } from '../../ids.js';
import { BACK_OFFICE, ownerOf } from '../caller.js';
import { type Endpoint, endpoint, replyTo } from '../endpoint.js';
import { iso } from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';
import { lineAt, spellingOf, withProductIds } from './lines.js';
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
      const lines = await withProductIds(core, caller, reservations);
      const answer = await core.send({
        ...header(),
        kind: 'reserve',
        ownerId: ownerOf(caller),
        how: 'set',
        lines: lines.map(({ productId, quantity, reservationId, expiresAt }, i) => ({
          productId,
          cartId: checkoutCart(reservationId),
          quantity,
          customerId: null,
          expiry:
            expiresAt === null
              ? { lastsMs: reservationExpiryMinutes * 60_000 }
              : { at: expiresAt, field: `reservations[${i}].expiresAt` },
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
    const lines = await withProductIds(core, caller, updates);
    const answer = await core.send({
      ...header(),
      kind: 'sell',
      ownerId: ownerOf(caller),
      lines: lines.map(({ productId, quantity, reason, reservationId }) => ({
        productId,
        quantity,
        cartId: reservationId === null ? null : checkoutCart(reservationId),
        holdMustExist: reservationId !== null,
        userId: null,
        reason,
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
