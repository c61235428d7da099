import { userCart } from '../../domain/carts.js';
import { counted } from '../../domain/counted.js';
import { newId } from '../../ids.js';
import { ANYONE, ownerOf, userFor } from '../caller.js';
import { endpoint, replyTo, type Surface } from '../endpoint.js';
import { findProduct, productIdOf, productIdOfLine } from '../products/routes.js';
import { toProductRef } from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';
import { renderPurchased, renderReleased, renderReserved, renderStock } from './replies.js';
import {
  PurchaseBody,
  PurchaseReply,
  ReleaseBody,
  ReleaseReply,
  ReserveBody,
  ReserveReply,
  StockPath,
  StockReply,
} from './schemas.js';

const tag = 'Stock';

/** The stock of products, held and bought by a shop front for its users' carts. */
export function stockSurface(settings: SurfaceSettings): Surface {
  return {
    spelling: 'snake_case',
    endpoints: [reserveStock(settings), releaseStock, purchaseStock, getStock],
  };
}

function reserveStock({ cartReservationMinutes }: SurfaceSettings) {
  return endpoint({
    method: 'post',
    path: '/api/stock/reserve',
    operationId: 'reserveStock',
    summary: "Hold units for a user's cart, beside those that it holds",
    description: `The hold on all of them lasts ${counted(cartReservationMinutes, 'minute')} from now.`,
    tag,
    roles: ANYONE,
    body: ReserveBody,
    replies: { 200: { description: 'They are held.', schema: ReserveReply } },
    problems: [
      'product_not_found',
      'not_available',
      'out_of_stock',
      'insufficient_stock',
      'hold_limit_reached',
    ],
    async handle({ core, caller, body, header }) {
      const userId = userFor(caller, body.user_id) ?? caller.sub;
      const line = {
        productId: await productIdOf(core, caller, toProductRef(body.product_id)),
        cartId: userCart(userId),
        quantity: body.quantity,
        customerId: userId,
        expiry: { lastsMs: Math.round(cartReservationMinutes * 60_000) },
        reservationId: newId(),
      };
      const answer = await core.send({
        ...header(),
        kind: 'reserve',
        how: 'add',
        ownerId: ownerOf(caller),
        lines: [line],
        reason: body.action,
      });
      return replyTo(answer, ({ lines: [held] }) => {
        if (!held) throw new Error('a line was held and not answered');
        return { status: 200, body: renderReserved(held, body.quantity) };
      });
    },
  });
}

const releaseStock = endpoint({
  method: 'post',
  path: '/api/stock/release',
  operationId: 'releaseStock',
  summary: "Give units that a user's cart holds back; the last one ends the hold",
  tag,
  roles: ANYONE,
  body: ReleaseBody,
  replies: { 200: { description: 'They are free.', schema: ReleaseReply } },
  problems: ['product_not_found', 'invalid_transition'],
  async handle({ core, caller, body, header }) {
    const userId = userFor(caller, body.user_id) ?? caller.sub;
    const answer = await core.send({
      ...header(),
      kind: 'take_off_hold',
      productId: await productIdOf(core, caller, toProductRef(body.product_id)),
      cartId: userCart(userId),
      quantity: body.quantity,
      ownerId: ownerOf(caller),
      reason: body.action,
    });
    return replyTo(answer, (takenOff) => ({
      status: 200,
      body: renderReleased(takenOff, body.quantity),
    }));
  },
});

const purchaseStock = endpoint({
  method: 'post',
  path: '/api/stock/purchase',
  operationId: 'purchaseStock',
  summary: 'Complete an order: all of it becomes rentals, or nothing',
  description:
    'The units that the user holds are taken first, what is missing from free ones; what was bought leaves the cart.',
  tag,
  roles: ANYONE,
  body: PurchaseBody,
  takesList: true,
  replies: { 200: { description: 'The rentals.', schema: PurchaseReply } },
  problems: ['product_not_found', 'not_available', 'out_of_stock', 'insufficient_stock'],
  async handle({ core, caller, body, header }) {
    const { items } = body;
    const userId = userFor(caller, body.user_id) ?? caller.sub;
    const orderId = body.order_id ?? newId();
    const lines = await Promise.all(
      items.map(async ({ product_id, quantity }) => ({
        productId: await productIdOfLine(core, caller, toProductRef(product_id)),
        quantity,
        cartId: userCart(userId),
        holdMustExist: false,
        userId,
        reason: 'order_placed',
        rentalId: newId(),
      })),
    );
    const answer = await core.send({
      ...header(),
      kind: 'sell',
      ownerId: ownerOf(caller),
      orderId,
      boughtBy: userId,
      lines,
    });
    return replyTo(
      answer,
      // A repeat made an id of its own, which nobody uses: the order is the first one's.
      ({ lines: sold }) => ({
        status: 200,
        body: renderPurchased(sold, sold[0]?.rental.orderId ?? orderId),
      }),
      {
        line: (index) => {
          const item = items[index];
          return { product_id: item?.product_id, requested: item?.quantity };
        },
      },
    );
  },
});

const getStock = endpoint({
  method: 'get',
  path: '/api/stock/:product_id',
  operationId: 'getStock',
  summary: 'How many units of a product are on hand, held and free now',
  tag,
  roles: ANYONE,
  params: StockPath,
  replies: { 200: { description: 'The stock.', schema: StockReply } },
  problems: ['product_not_found'],
  async handle({ core, caller, params }) {
    const product = await findProduct(core, caller, params.product_id);
    return { status: 200, body: renderStock(product, params.product_id) };
  },
});
