import { z } from 'zod';
import type { Overview } from '../../core.js';
import { BACK_OFFICE } from '../caller.js';
import { endpoint, type Surface } from '../endpoint.js';
import { iso, timestamp, units } from '../schemas.js';
import type { SurfaceSettings } from '../surface-settings.js';

const count = z.int().min(0);

const OverviewReply = z
  .strictObject({
    at: timestamp.meta({ description: 'When it was read; it may be two seconds old.' }),
    products: z
      .strictObject({ draft: count, available: count, rented_out: count })
      .meta({ description: 'Products by status.' }),
    units: z
      .strictObject({
        quantity: units,
        quantity_available: units,
        quantity_reserved: units,
        quantity_rented: units,
      })
      .meta({ description: 'Over all products.' }),
    low_products: count.meta({
      description: 'Published, and at or below their threshold; the empty ones are among them.',
    }),
    empty_products: count.meta({ description: 'Published, with no unit free.' }),
    overdue_rentals: count,
    low_stock_threshold: units.meta({ description: 'Of a product that has none of its own.' }),
    activity: z
      .array(
        z.strictObject({
          at: timestamp.meta({ description: 'When the minute began.' }),
          rentals: count,
          returns: count,
          holds: count,
          refusals: count.meta({ description: 'By this copy of the service.' }),
        }),
      )
      .meta({
        description:
          'The last half hour, minute by minute. Of a store that does more than some thousand things in that time only the newest are counted.',
      }),
  })
  .meta({ id: 'Overview' });

/** What the back office looks at first. */
export function overviewSurface({ lowStockThreshold }: SurfaceSettings): Surface {
  const getOverview = endpoint({
    method: 'get',
    path: '/api/overview',
    operationId: 'getOverview',
    summary: 'How the store stands now: products, units, what needs looking after',
    tag: 'Overview',
    roles: BACK_OFFICE,
    replies: { 200: { description: 'The figures.', schema: OverviewReply } },
    problems: [],
    async handle({ core, caller }) {
      const overview = await core.overview(caller.storeId);
      return { status: 200, body: render(overview, lowStockThreshold) };
    },
  });
  return { spelling: 'snake_case', endpoints: [getOverview] };
}

function render(overview: Overview, lowStockThreshold: number): z.infer<typeof OverviewReply> {
  const { counters } = overview;
  return {
    at: iso(overview.at),
    products: overview.products,
    units: {
      quantity: counters.quantity,
      quantity_available: counters.quantityAvailable,
      quantity_reserved: counters.quantityReserved,
      quantity_rented: counters.quantityRented,
    },
    low_products: overview.lowProducts,
    empty_products: overview.emptyProducts,
    overdue_rentals: overview.overdueRentals,
    low_stock_threshold: lowStockThreshold,
    activity: overview.activity.map(({ at, ...counts }) => ({ at: iso(at), ...counts })),
  };
}
