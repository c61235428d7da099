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
    lowest: z
      .array(
        z.strictObject({
          product_id: z.int(),
          sku: z.string(),
          name: z.string(),
          quantity: units,
          quantity_available: units,
          threshold: units,
        }),
      )
      .meta({
        description:
          'A few of the low products: those with none free first, then those with the fewest; of as many, those first of which the most are out or held.',
      }),
    overdue_rentals: count,
    last_sync: z
      .strictObject({
        started_at: timestamp,
        dry_run: z.boolean(),
        drifted_products: count,
        unrepaired_products: count.meta({
          description: 'Found by a dry run, and neither repaired nor found in order since.',
        }),
      })
      .nullable()
      .meta({
        description:
          'The last run of sync over the whole store that came to its end; null: there was none.',
      }),
    low_stock_threshold: units.meta({ description: 'Of a product that has none of its own.' }),
    activity: z
      .array(
        z.strictObject({
          at: timestamp.meta({ description: 'When the minute began.' }),
          rentals: count.nullable(),
          returns: count
            .nullable()
            .meta({ description: 'Rentals that were completed or cancelled.' }),
          holds: count.nullable(),
          refusals: count.meta({
            description: 'Commands refused for whatever reason, by this copy of the service.',
          }),
        }),
      )
      .meta({
        description:
          'The last half hour, minute by minute; null: there were too many since to count them.',
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
  const { counters, lastSync } = overview;
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
    lowest: overview.lowest.map(({ id, sku, name, quantity, quantityAvailable, threshold }) => ({
      product_id: id,
      sku,
      name,
      quantity,
      quantity_available: quantityAvailable,
      threshold,
    })),
    overdue_rentals: overview.overdueRentals,
    last_sync: lastSync && {
      started_at: iso(lastSync.startedAt),
      dry_run: lastSync.isDryRun,
      drifted_products: lastSync.drifted,
      unrepaired_products: lastSync.unrepaired,
    },
    low_stock_threshold: lowStockThreshold,
    activity: overview.activity.map(({ at, ...counts }) => ({ at: iso(at), ...counts })),
  };
}
