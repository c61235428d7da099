import { BACK_OFFICE } from '../caller.js';
import { endpoint } from '../endpoint.js';
import { nextCursorOf } from '../lists.js';
import { findProduct } from '../products/routes.js';
import { kindsOf } from './change-types.js';
import { renderLogLine } from './replies.js';
import { LogQuery, LogReply, VariantPath } from './schemas.js';

export const listInventoryLogs = endpoint({
  method: 'get',
  path: '/api/inventory/logs/:variantId',
  operationId: 'listInventoryLogs',
  summary: 'What happened to the units of a product, newest first',
  description: 'A view of its ledger, without the lines that moved no unit.',
  tag: 'Inventory',
  roles: BACK_OFFICE,
  params: VariantPath,
  query: LogQuery,
  replies: { 200: { description: 'A page.', schema: LogReply } },
  problems: ['product_not_found'],
  async handle({ core, caller, params: { variantId }, query }) {
    const product = await findProduct(core, caller, variantId);
    const page = await core.listMovements({
      productId: product.id,
      kinds: kindsOf(query.changeType),
      movedOnly: true,
      before: query.cursor ?? null,
      limit: query.limit,
    });
    const body = {
      variantId,
      sku: product.sku,
      data: page.rows.map(renderLogLine),
      nextCursor: nextCursorOf(page, ({ id }) => id),
    };
    return { status: 200, body };
  },
});
