import { z } from 'zod';
import { AVAILABILITY_STATUSES } from '../../../machines/product.js';
import { DRIFT_CAUSES } from '../../domain/drift.js';
import { REPORT_KINDS } from '../../domain/kept-report.js';
import { DAY_MS } from '../../domain/ledger-totals.js';
import { PERIOD_DAYS_MAX } from '../../domain/report-figures.js';
import { PRODUCT_SORTS } from '../../persistence/reads/report-products.js';
import { camelListOf } from '../lists.js';
import {
  cursorAfterId,
  cursorAfterUuid,
  pageLimit,
  productRefText,
  queryInteger,
  timestamp,
  uuidText,
} from '../schemas.js';

/** A day in UTC, as days since 1970. */
const day = z.iso
  .date()
  .transform((text) => Date.parse(text) / DAY_MS)
  .refine((days) => days >= 0, 'must be 1970-01-01 or later');

const period = {
  from: day.optional().meta({
    description: 'The first day, in UTC; by default 30 days before `to`.',
    example: '2026-11-01',
  }),
  to: day.optional().meta({
    description: `The day after the last, in UTC, at most ${PERIOD_DAYS_MAX} days after \`from\`; by default tomorrow. What is not over yet is reported up to now.`,
    example: '2026-12-01',
  }),
};
const format = z
  .enum(['json', 'csv'])
  .optional()
  .meta({ description: '`csv`: as CSV, as with `Accept: text/csv`.' });
const limit = queryInteger({ min: 1, max: 1000, fallback: 50 });
const cursor = cursorAfterId.optional();

export const PeriodQuery = z.strictObject({ ...period, format });
export const ProductsQuery = z.strictObject({
  ...period,
  sort: z.enum(PRODUCT_SORTS).default('busiest').meta({
    description:
      '`busiest`, `idlest`: by unit-hours out, `idlest` of those that were published; `mostRented`: by units rented; `outOfStock`: by hours without a free unit; `refused`: by requests refused for want of units.',
  }),
  limit,
  cursor,
  format,
});
export const LevelsQuery = z.strictObject({
  ...period,
  productId: productRefText.optional(),
  format,
});
export const UnusualQuery = z.strictObject({ ...period, limit, format });
export const AdviceQuery = z.strictObject({
  month: z
    .string()
    .regex(/^(19[7-9]\d|[2-9]\d{3})-(0[1-9]|1[0-2])$/, 'must be a month like 2026-11')
    .transform((text) => ({ year: Number(text.slice(0, 4)), month: Number(text.slice(5)) }))
    .optional()
    .meta({ description: 'By default the month before this one.', example: '2026-11' }),
  limit,
  cursor,
  format,
});
export const KeptQuery = z.strictObject({
  kind: z.enum(REPORT_KINDS).optional(),
  limit: pageLimit,
  cursor: cursorAfterUuid.optional(),
});
export const KeptPath = z.strictObject({ id: uuidText });

const share = z.number().nullable();
const units = z.number();
const counted = z
  .strictObject({
    quantity: units,
    quantityAvailable: units,
    quantityReserved: units,
    quantityRented: units,
  })
  .meta({ id: 'CountedUnits', description: 'Owned, free, held and out.' });
const linesAndUnits = z
  .strictObject({ count: z.int(), units: z.int() })
  .meta({ id: 'CountAndUnits' });
const refused = z
  .strictObject({
    requests: z.int(),
    units: z.int().meta({ description: 'How many units they were short of, added up.' }),
  })
  .meta({ id: 'RefusedRequests' });
const reported = {
  from: timestamp,
  to: timestamp.meta({ description: 'Not in it: the end of the last day, or just now.' }),
};

const figures = {
  utilisation: share.meta({
    description: 'Unit-hours out over unit-hours owned; null where nothing was owned.',
  }),
  turnover: share.meta({ description: 'Units rented over the units owned on average.' }),
  unitHours: counted,
  averageLevels: counted.meta({
    description: 'Over the period, from when the ledger began.',
  }),
  levels: counted.meta({
    description:
      'At the end, as the ledger has them: a hold that is due is held until it is ended.',
  }),
  outOfStockHours: z.number().meta({
    description: 'Hours for which products were published without a free unit, added up.',
  }),
  outOfStockShare: share.meta({ description: 'Of the hours that products were published.' }),
  rentals: z.strictObject({
    begun: linesAndUnits,
    returned: linesAndUnits,
    cancelled: linesAndUnits,
  }),
  holds: z.strictObject({
    made: linesAndUnits,
    converted: linesAndUnits.meta({
      description: 'Became rentals; one that did so in parts counts with each.',
    }),
    released: linesAndUnits,
    expired: linesAndUnits,
    lost: linesAndUnits.meta({ description: 'Released or expired.' }),
    conversion: share.meta({ description: 'Units converted over units converted or lost.' }),
  }),
  stock: z.strictObject({
    restocks: linesAndUnits,
    corrections: z.int().meta({
      description: 'Times that the units owned were counted or set to something else.',
    }),
    foundUnits: z.int(),
    missingUnits: z.int(),
    repairs: z.int().meta({ description: 'Drift that sync repaired.' }),
    accuracy: share.meta({
      description: '1 less the units found and missing over the units owned on average.',
    }),
  }),
};

export const SummaryReply = z
  .strictObject({
    ...reported,
    ...figures,
    refused: z.strictObject({
      outOfStock: refused,
      insufficientStock: refused,
      notAvailable: refused,
    }),
    driftFound: z.int().meta({ description: 'Products that a run of sync found wrong.' }),
  })
  .meta({ id: 'SummaryReport' });

const product = { productId: z.int(), sku: z.string(), name: z.string() };

const ProductRow = z
  .strictObject({ ...product, ...figures, refused })
  .meta({ id: 'ProductReport' });
export const ProductsReply = camelListOf(ProductRow).extend(reported);

export const LevelsReply = z
  .strictObject({
    ...reported,
    stepSeconds: z.int(),
    data: z.array(
      z.strictObject({
        at: timestamp.meta({ description: 'When the step begins.' }),
        quantity: units,
        quantityAvailable: units,
        quantityReserved: units,
        quantityRented: units,
      }),
    ),
  })
  .meta({ id: 'LevelsReport', description: 'Averages over steps, in order of time.' });

const UnusualRow = z
  .strictObject({
    id: z.int(),
    productId: z.int(),
    sku: z.string(),
    kind: z.enum(['adjust', 'update']),
    change: z.int(),
    quantity: z.int().meta({ description: 'Units owned after it.' }),
    usual: z.number(),
    limit: z.number(),
    reason: z.string().nullable(),
    actor: z.string(),
    createdAt: timestamp,
  })
  .meta({ id: 'UnusualCorrection' });
export const UnusualReply = z.strictObject({
  ...reported,
  data: z.array(UnusualRow),
  hasMore: z.boolean().meta({ description: 'Whether there are others, nearer to habit.' }),
});

const AdviceRow = z
  .strictObject({
    ...product,
    quantity: z.int().meta({ description: 'Units owned at the end.' }),
    refusedRequests: z.int(),
    refusedUnits: z.int(),
    additionalUnits: z.int().meta({
      description:
        'Units more with which about none would have been refused: the most that were short within any stretch as long as its rentals last on average.',
    }),
    neverNeeded: z.int().meta({ description: 'Units that were free all along.' }),
  })
  .meta({ id: 'StockAdvice' });
export const AdviceReply = camelListOf(AdviceRow).extend(reported);

const SupplierRow = z
  .strictObject({
    supplierEmail: z.string(),
    products: z.int(),
    notices: z.int().meta({
      description: 'Times that free units fell to the threshold of a published product.',
    }),
    answered: z.int().meta({ description: 'Restocks that followed one.' }),
    averageHours: z.number().nullable().meta({
      description: 'From the first notice that was not answered to the restock.',
    }),
    restockedUnits: z.int(),
    waiting: z.int().meta({ description: 'Products whose notice is not answered yet.' }),
    longestWaitHours: z.number().nullable(),
  })
  .meta({ id: 'SupplierReport' });
export const SuppliersReply = z.strictObject({ ...reported, data: z.array(SupplierRow) });

const kept = {
  id: z.uuid(),
  kind: z.enum(REPORT_KINDS),
  period: z.string().meta({
    description: 'The day, the week or the month that it is about.',
    example: '2026-W47',
  }),
  title: z.string(),
  createdAt: timestamp,
};
const counters = z.strictObject({
  quantity: z.int(),
  quantityAvailable: z.int(),
  quantityReserved: z.int(),
  quantityRented: z.int(),
});
const LowStockData = z.strictObject({
  lowProducts: z.int(),
  emptyProducts: z.int(),
  products: z.array(
    z.strictObject({
      ...product,
      quantity: z.int(),
      quantityAvailable: z.int(),
      threshold: z.int(),
      supplierEmail: z.string().nullable(),
    }),
  ),
});
const ReconciliationData = z.strictObject({
  syncRunId: z.uuid().nullable(),
  productsLookedAt: z.int(),
  productsDrifted: z.int(),
  drifts: z.array(
    z.strictObject({
      productId: z.int(),
      storeId: z.int(),
      old: counters,
      new: counters,
      oldStatus: z.enum(AVAILABILITY_STATUSES),
      newStatus: z.enum(AVAILABILITY_STATUSES),
      cause: z.enum(DRIFT_CAUSES),
      causes: z.array(z.enum(DRIFT_CAUSES)),
    }),
  ),
  movements: SummaryReply,
  busiest: z.array(ProductRow),
  idlest: z.array(ProductRow),
  unusual: z.array(UnusualRow),
});
const StockReviewData = z.strictObject({
  month: z.strictObject(reported),
  advice: z.array(AdviceRow),
  suppliers: z.array(SupplierRow),
});

export const KeptHead = z.strictObject(kept).meta({ id: 'KeptReportHead' });
export const KeptListReply = camelListOf(KeptHead);
export const KeptReply = z
  .strictObject({
    ...kept,
    text: z.string().meta({ description: 'The whole of it in plain text.' }),
    data: z.union([LowStockData, ReconciliationData, StockReviewData]),
  })
  .meta({ id: 'KeptReport' });
