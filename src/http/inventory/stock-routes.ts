import { checkoutCart } from '../../domain/carts.js';
import { sentenceOf } from '../../domain/sentences.js';
import { thresholdOf, totalsOf } from '../../domain/stock-levels.js';
import { shortagesOf, unitsFor } from '../../domain/stock-questions.js';
import { ANYONE, BACK_OFFICE } from '../caller.js';
import { type Endpoint, endpoint } from '../endpoint.js';
import { nextCursorOf } from '../lists.js';
import { findProduct } from '../products/routes.js';
import { toProductRef } from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';
import { unitsHeldBy } from './cart-holds.js';
import { lineAt } from './lines.js';
import { renderLevel } from './replies.js';
import {
  CheckQuery,
  CheckReply,
  type LowLevel,
  LowStockQuery,
  LowStockReply,
  ProductPath,
  ProductReport,
  ValidateBody,
  ValidateReply,
  VariantPath,
} from './schemas.js';

const tag = 'Inventory';

/** Questions about what is there: nothing here changes anything. */
export function stockQuestions(settings: SurfaceSettings): Endpoint[] {
  return [checkInventory, validateInventory, lowStockAlerts(settings), productStock(settings)];
}

const checkInventory = endpoint({
  method: 'get',
  path: '/api/inventory/check/:variantId',
  operationId: 'checkInventory',
  summary: 'Whether so many units could be had now',
  tag,
  roles: ANYONE,
  params: VariantPath,
  query: CheckQuery,
  replies: { 200: { description: 'What could be had now.', schema: CheckReply } },
  problems: ['product_not_found'],
  async handle({ core, caller, params: { variantId }, query }) {
    const { quantity, reservationId } = query;
    // The product first: what the checkout gives back meanwhile is then not counted twice.
    const product = await findProduct(core, caller, variantId);
    const cartId = reservationId === undefined ? null : checkoutCart(reservationId);
    const held = await unitsHeldBy(core, caller, cartId);
    const availableQuantity = unitsFor(product, held.get(product.id) ?? 0);
    const body: CheckReply = {
      available: quantity <= availableQuantity,
      variantId,
      sku: product.sku,
      requestedQuantity: quantity,
      availableQuantity,
    };
    return { status: 200, body };
  },
});

const validateInventory = endpoint({
  method: 'post',
  path: '/api/inventory/validate',
  operationId: 'validateInventory',
  summary: 'Whether everything on a list could be had now',
  description: 'Nothing is held. Several items for one product count as their sum.',
  tag,
  roles: ANYONE,
  body: ValidateBody,
  takesList: true,
  replies: { 200: { description: 'What falls short.', schema: ValidateReply } },
  problems: [],
  async handle({ core, caller, body: { items, cartId } }) {
    const wishes = await Promise.all(
      items.map(async ({ productId, quantity }) => {
        const name = toProductRef(productId);
        return { product: await core.products.find(caller.storeId, name), name, quantity };
      }),
    );
    const held = await unitsHeldBy(core, caller, cartId);
    const shortages = shortagesOf(wishes, ({ id }) => held.get(id) ?? 0);
    const body: ValidateReply = {
      isValid: shortages.length === 0,
      errors: shortages.map(({ index, product, reason, requested, available }) => ({
        index,
        productId: lineAt(items, index).productId,
        productTitle: product?.name ?? null,
        error: sentenceOf(reason),
        code: reason.code,
        requested,
        available,
      })),
    };
    return { status: 200, body };
  },
});

function lowStockAlerts({ lowStockThreshold: fallback }: SurfaceSettings) {
  return endpoint({
    method: 'get',
    path: '/api/inventory/alerts/low-stock',
    operationId: 'listLowStock',
    summary: 'Published products of which few units are free',
    tag,
    roles: BACK_OFFICE,
    query: LowStockQuery,
    replies: { 200: { description: 'A page, in order of id.', schema: LowStockReply } },
    problems: [],
    async handle({ core, caller, query }) {
      const { threshold = null, cursor = null, limit } = query;
      const { storeId } = caller;
      const page = await core.products.listLowStock({
        storeId,
        threshold,
        fallback,
        after: cursor,
        limit,
      });
      const data = page.rows.map(
        (product): LowLevel => ({
          ...renderLevel(product),
          threshold: threshold ?? thresholdOf(product, fallback),
        }),
      );
      return { status: 200, body: { data, nextCursor: nextCursorOf(page, ({ id }) => id) } };
    },
  });
}

function productStock({ lowStockThreshold }: SurfaceSettings) {
  return endpoint({
    method: 'get',
    path: '/api/inventory/product/:productId',
    operationId: 'getProductInventory',
    summary: 'What is there of a product, variant by variant',
    description: 'A product without variants is its own only one.',
    tag,
    roles: ANYONE,
    params: ProductPath,
    replies: { 200: { description: 'Its variants, and their totals.', schema: ProductReport } },
    problems: ['product_not_found'],
    async handle({ core, caller, params: { productId } }) {
      const product = await findProduct(core, caller, productId);
      const children = await core.products.listVariants(caller.storeId, product.id);
      const variants = children.length > 0 ? children : [product];
      const totals = totalsOf(variants, lowStockThreshold);
      const body: ProductReport = {
        productId,
        sku: product.sku,
        name: product.name,
        totalStock: totals.onHand,
        lowStockCount: totals.low,
        outOfStockCount: totals.empty,
        variants: variants.map((variant) => renderLevel(variant)),
      };
      return { status: 200, body };
    },
  });
}
