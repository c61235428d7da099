import type { Connection, Database } from './database.js';

/** The provider sends a message again for days; months are for people who look into something. */
const WEBHOOK_EVENTS_KEPT_HOURS = 90 * 24;
/** A mark is looked for within seconds of its COMMIT; a day is beyond any doubt. */
const MARKS_KEPT_HOURS = 24;

/** A ticket that is past its time opens nothing; kept a little, it says so. */
const TICKETS_KEPT_HOURS = 1;
/** A delivery that is still on its way is let go only when no attempt can be left. */
const PENDING_KEPT_LONGER_HOURS = 48;
/** Rows of `events` outlive the pages that name them. */
const EVENTS_KEPT_LONGER_HOURS = 24;

/**
 * Removes up to `rowsMax` idempotency records past their time, and as many old marks of commits,
 * tickets, events, deliveries, mails and messages of the payment provider's. Returns whether there
 * may be more. Any number of copies may do it at once.
 */
export async function purge(
  database: Database,
  { rowsMax, eventRetentionHours }: { rowsMax: number; eventRetentionHours: number },
): Promise<boolean> {
  const session = await database.begin();
  try {
    const keys = await deleteSome(session, rowsMax, {
      table: 'idempotency_keys',
      key: 'key_hash',
      where: `expires_at <= ${session.dialect.now}`,
    });
    const marks = await deleteSome(session, rowsMax, {
      table: 'commits',
      key: 'command_id',
      where: `created_at <= ${session.dialect.hoursAgo(MARKS_KEPT_HOURS)}`,
    });
    const { hoursAgo } = session.dialect;
    const tickets = await deleteSome(session, rowsMax, {
      table: 'event_tickets',
      key: 'ticket_hash',
      where: `expires_at <= ${hoursAgo(TICKETS_KEPT_HOURS)}`,
    });
    // The last page stays however old it is: it says where the relay stands.
    const [last] = await session.select('SELECT COALESCE(MAX(page), 0) AS page FROM outbox');
    const pages = await deleteSome(session, rowsMax, {
      table: 'outbox',
      key: 'page',
      where: `created_at <= ${hoursAgo(eventRetentionHours)} AND page < ${Number(last?.['page'])}`,
    });
    const events = await deleteSome(session, rowsMax, {
      table: 'events',
      key: 'id',
      where: `created_at <= ${hoursAgo(eventRetentionHours + EVENTS_KEPT_LONGER_HOURS)}`,
    });
    const deliveries = await deleteSome(session, rowsMax, {
      table: 'webhook_deliveries',
      key: 'id',
      where:
        `created_at <= ${hoursAgo(eventRetentionHours)} AND (state <> 'pending' ` +
        `OR created_at <= ${hoursAgo(eventRetentionHours + PENDING_KEPT_LONGER_HOURS)})`,
    });
    const mails = await deleteSome(session, rowsMax, {
      table: 'mails',
      key: 'id',
      where: `created_at <= ${hoursAgo(eventRetentionHours)}`,
    });
    const notices = await deleteSome(session, rowsMax, {
      table: 'mail_notices',
      key: 'id',
      where: `created_at <= ${hoursAgo(eventRetentionHours)}`,
    });
    const messages = await deleteSome(session, rowsMax, {
      table: 'webhook_events',
      key: 'id',
      where: `created_at <= ${hoursAgo(WEBHOOK_EVENTS_KEPT_HOURS)}`,
    });
    await session.commit();
    return [keys, marks, tickets, pages, events, deliveries, mails, notices, messages].includes(
      rowsMax,
    );
  } catch (error) {
    await session.rollback();
    throw error;
  }
}

async function deleteSome(
  connection: Connection,
  rowsMax: number,
  from: { table: string; key: string; where: string },
): Promise<number> {
  const rows = await connection.select(
    `SELECT ${from.key} AS doomed FROM ${from.table} WHERE ${from.where} LIMIT ${rowsMax}`,
  );
  if (rows.length === 0) return 0;
  const keys = rows.map((row) => connection.quote(String(row['doomed']))).join(',');
  // Said again, since a record may have been replaced by a fresh one in between.
  await connection.run(
    `DELETE FROM ${from.table} WHERE ${from.key} IN (${keys}) AND ${from.where}`,
  );
  return rows.length;
}
