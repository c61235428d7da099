import type { Core } from '../core.js';
import type { ReportKind } from '../domain/kept-report.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { listStoreIds } from '../persistence/reports.js';
import { schedule } from './schedule.js';

const LEASE = 'reports';
/** longer than the clocks of copies differ, and than the report on one store takes */
const LEASE_SECONDS = 300;
const STORES_AT_ONCE = 100;

/** When reports are made: cron expressions in UTC; null: never. */
export interface ReportCalendar {
  readonly reportDailyCron: string | null;
  readonly reportWeeklyCron: string | null;
  readonly reportMonthlyCron: string | null;
}

/**
 * Makes the reports of the calendar, of one store after another, on one copy of the service. Stop
 * it with the function it returns.
 */
export function startReportSchedule(
  calendar: ReportCalendar,
  parts: { core: Core; database: Database; log: Logger },
): () => Promise<void> {
  const { core, database, log } = parts;
  const ours = leases(database, newId());
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  const makeAll = async (kind: ReportKind) => {
    const goOn = async () => !stopped && (await ours.hold(LEASE, LEASE_SECONDS));
    for (let after: number | undefined = 0; after !== undefined; ) {
      const storeIds = await listStoreIds(database, after, STORES_AT_ONCE);
      for (const storeId of storeIds) {
        if (!(await goOn())) return;
        try {
          const { id, period } = await core.keptReports.make(storeId, kind);
          log.info({ report: id, store: storeId, kind, period }, 'a report is made');
        } catch (error) {
          // One store's trouble is not the others'.
          log.error({ err: error, store: storeId, kind }, 'a report could not be made');
        }
      }
      after = storeIds.at(-1);
    }
  };
  const tasks = (
    [
      [calendar.reportDailyCron, 'low_stock'],
      [calendar.reportWeeklyCron, 'reconciliation'],
      [calendar.reportMonthlyCron, 'stock_review'],
    ] as const
  ).flatMap(([cron, kind]) => {
    if (cron === null) return [];
    const run = () => {
      running = running
        .then(() => makeAll(kind))
        .catch((error: unknown) => {
          log.error({ err: error, kind }, 'reports could not be made');
        });
      return running;
    };
    return [schedule(cron, run, { log, timezone: 'UTC' })];
  });
  return async () => {
    stopped = true;
    await Promise.all(tasks.map((task) => task.destroy()));
    await running;
    // Where the database is away the lease runs out by itself.
    await ours.release(LEASE).catch(() => undefined);
  };
}
