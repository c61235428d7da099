import { BACK_OFFICE } from '../caller.js';
import { type Endpoint, endpoint, replyTo } from '../endpoint.js';
import { lineAt, linesOf, spellingOf } from './lines.js';
import { renderLevel } from './replies.js';
import { AdjustBody, ChangeReply, RestockBody } from './schemas.js';

const restockInventory = stockChange({
  kind: 'restock',
  method: 'post',
  operationId: 'restockInventory',
  summary: 'Add units that are owned from now on: all of the list, or nothing',
  body: RestockBody,
  problems: ['product_not_found'],
});

const adjustInventory = stockChange({
  kind: 'adjust',
  method: 'put',
  operationId: 'adjustInventory',
  summary: 'Set the units on hand to what was counted: all of the list, or nothing',
  description:
    'Counted are the units on the shelf, free or held. Rented ones stay owned. Two counts of one variant are refused.',
  body: AdjustBody,
  problems: ['product_not_found', 'quantity_below_committed'],
});

/** What a warehouse does. */
export const stockChanges: readonly Endpoint[] = [restockInventory, adjustInventory];

function stockChange(
  spec: {
    readonly kind: 'restock' | 'adjust';
    readonly body: typeof RestockBody | typeof AdjustBody;
  } & Pick<Endpoint, 'method' | 'operationId' | 'summary' | 'description' | 'problems'>,
): Endpoint {
  const { kind, ...route } = spec;
  return endpoint({
    ...route,
    path: `/api/inventory/${kind}`,
    tag: 'Inventory',
    roles: BACK_OFFICE,
    takesList: true,
    replies: { 200: { description: 'For each line what is there now.', schema: ChangeReply } },
    async handle({ core, caller, body: { updates }, header }) {
      const answer = await core.send({
        ...header(),
        kind,
        lines: await linesOf({ core, caller }, updates, ({ quantity, reason }, productId) => ({
          productId,
          quantity,
          reason,
        })),
      });
      return replyTo(
        answer,
        (changed) => {
          const body: ChangeReply = {
            success: true,
            updates: changed.lines.map(({ product, change }, i) => ({
              ...renderLevel(product, lineAt(updates, i).variantId),
              change,
            })),
          };
          return { status: 200, body };
        },
        spellingOf('updates', updates),
      );
    },
  });
}
