import type { Core } from '../core.js';
import type { Instant } from '../domain/instant.js';
import type { ReportKind } from '../domain/kept-report.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import { leases } from '../persistence/leases.js';
import { listStoresWithout } from '../persistence/reports.js';
import { periodBegan, periodName } from '../reports/kept.js';
import { firstTick, schedule } from './schedule.js';

const LEASE = 'reports';
/** longer than the clocks of copies differ, and than the report on one store takes */
const LEASE_SECONDS = 300;
const STORES_AT_ONCE = 100;
/** when it is looked whether a report is missing, besides at the start */
const HOURLY = '7 * * * *';

/** When reports are made: cron expressions in UTC; null: never. */
export interface ReportCalendar {
  readonly reportDailyCron: string | null;
  readonly reportWeeklyCron: string | null;
  readonly reportMonthlyCron: string | null;
}

/**
 * Makes the reports of the calendar, of one store after another, on one copy of the service. What
 * was not made at its time, since no copy ran or the one at work died, is made later, as long as
 * it would still be about the same. Stop it with the function it returns.
 */
export function startReportSchedule(
  calendar: ReportCalendar,
  parts: { core: Core; database: Database; log: Logger },
): () => Promise<void> {
  const { core, database, log } = parts;
  const ours = leases(database, newId());
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  const makeAll = async (kind: ReportKind, madeBefore: Instant | null) => {
    const goOn = async () => !stopped && (await ours.hold(LEASE, LEASE_SECONDS));
    const report = { kind, period: periodName(kind, Date.now()) };
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page = { after, limit: STORES_AT_ONCE };
      const storeIds = await listStoresWithout(database, report, page, madeBefore);
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
  /** After what is under way. */
  const run = (kind: ReportKind, madeBefore: Instant | null): Promise<void> => {
    running = running
      .then(() => (stopped ? undefined : makeAll(kind, madeBefore)))
      .catch((error: unknown) => {
        log.error({ err: error, kind }, 'reports could not be made');
      });
    return running;
  };
  const kinds = (
    [
      [calendar.reportDailyCron, 'low_stock'],
      [calendar.reportWeeklyCron, 'reconciliation'],
      [calendar.reportMonthlyCron, 'stock_review'],
    ] as const
  ).flatMap(([cron, kind]) => (cron === null ? [] : [{ cron, kind }]));
  const runMissed = async () => {
    const now = Date.now();
    for (const { cron, kind } of kinds) {
      const due = firstTick(cron, { from: periodBegan(kind, now), to: now });
      // A store that was not there then missed nothing.
      if (due !== null) await run(kind, due);
    }
  };
  const tasks = [
    ...kinds.map(({ cron, kind }) =>
      schedule(cron, () => run(kind, null), { log, timezone: 'UTC' }),
    ),
    schedule(HOURLY, runMissed, { log, timezone: 'UTC' }),
  ];
  void runMissed();
  return async () => {
    stopped = true;
    await Promise.all(tasks.map((task) => task.destroy()));
    await running;
    // Where the database is away the lease runs out by itself.
    await ours.release(LEASE).catch(() => undefined);
  };
}
