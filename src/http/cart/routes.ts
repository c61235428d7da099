import { counted } from '../../domain/counted.js';
import { newId } from '../../ids.js';
import { ANYONE, ownerOf, userFor } from '../caller.js';
import { endpoint, replyTo, type Surface } from '../endpoint.js';
import { productIdOf } from '../products/routes.js';
import { toProductRef } from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';
import { renderAdded, renderCart, renderRemoved } from './replies.js';
import { AddBody, AddReply, CartPath, CartReply, RemoveBody, RemoveReply } from './schemas.js';

const tag = 'Cart';

/** Users' carts, as a shop front shows them. */
export function cartSurface(settings: SurfaceSettings): Surface {
  return {
    spelling: 'snake_case',
    endpoints: [addToCart(settings), removeFromCart, getCart],
  };
}

function addToCart({ cartReservationMinutes }: SurfaceSettings) {
  return endpoint({
    method: 'post',
    path: '/api/cart/add',
    operationId: 'addToCart',
    summary: "Add units to a line of a user's cart, and hold them",
    description: `The hold on all of them lasts ${counted(cartReservationMinutes, 'minute')} from now; where they are short, nothing is added.`,
    tag,
    roles: ANYONE,
    body: AddBody,
    replies: { 200: { description: 'The line.', schema: AddReply } },
    problems: [
      'product_not_found',
      'not_available',
      'out_of_stock',
      'insufficient_stock',
      'hold_limit_reached',
    ],
    async handle({ core, caller, body, header }) {
      const userId = userFor(caller, body.user_id) ?? caller.sub;
      const holds = body.decrease_stock;
      const answer = await core.send({
        ...header(),
        kind: 'add_to_cart',
        ownerId: ownerOf(caller),
        productId: await productIdOf(core, caller, toProductRef(body.product_id)),
        userId,
        quantity: body.quantity,
        priceAmount: body.price ?? null,
        shippingAmount: body.shipping_amount ?? null,
        itemId: newId(),
        hold: holds
          ? { lastsMs: Math.round(cartReservationMinutes * 60_000), reservationId: newId() }
          : null,
      });
      return replyTo(answer, (added) => ({
        status: 200,
        body: renderAdded(added, { named: body.product_id, holds }),
      }));
    },
  });
}

const removeFromCart = endpoint({
  method: 'delete',
  path: '/api/cart/remove',
  operationId: 'removeFromCart',
  summary: "Take units off a line of a user's cart, and give them back",
  description: 'A hold that has fewer units gives back those that it has.',
  tag,
  roles: ANYONE,
  body: RemoveBody,
  replies: { 200: { description: 'They are off it.', schema: RemoveReply } },
  problems: ['product_not_found', 'cart_item_not_found', 'invalid_transition'],
  async handle({ core, caller, body, header }) {
    const userId = userFor(caller, body.user_id) ?? caller.sub;
    const release = body.increase_stock;
    const answer = await core.send({
      ...header(),
      kind: 'remove_from_cart',
      ownerId: ownerOf(caller),
      productId: await productIdOf(core, caller, toProductRef(body.product_id)),
      userId,
      quantity: body.quantity ?? null,
      release,
    });
    return replyTo(answer, (removed) => ({ status: 200, body: renderRemoved(removed, release) }));
  },
});

const getCart = endpoint({
  method: 'get',
  path: '/api/cart/:user_id',
  operationId: 'getCart',
  summary: "A user's cart as it stands now",
  description: 'A line whose hold expired is still there, with `reserved: false`.',
  tag,
  roles: ANYONE,
  params: CartPath,
  replies: { 200: { description: 'The cart, oldest line first.', schema: CartReply } },
  problems: [],
  async handle({ core, caller, params }) {
    const userId = userFor(caller, params.user_id) ?? caller.sub;
    const lines = await core.readCart(caller.storeId, userId);
    return { status: 200, body: renderCart(userId, lines) };
  },
});
