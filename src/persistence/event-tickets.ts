import { ROLES } from '../domain/api-key.js';
import type { EventTicket } from '../domain/event-ticket.js';
import type { Connection, Database } from './database.js';
import { instant, integer, nullable, oneOf, text } from './rows.js';
import { at, tuples } from './sql.js';

const COLUMNS = 'ticket_hash, store_id, sub, role, signed_in_until, expires_at';

export async function insertEventTickets(
  connection: Connection,
  tickets: readonly EventTicket[],
): Promise<void> {
  if (tickets.length === 0) return;
  const rows = tickets.map((ticket) => [
    ticket.ticketHash,
    ticket.storeId,
    ticket.sub,
    ticket.role,
    at(ticket.signedInUntil),
    at(ticket.expiresAt),
  ]);
  await connection.run(
    `INSERT INTO event_tickets (${COLUMNS}) VALUES ${tuples(connection.quote, rows)}`,
  );
}

/** Uses a ticket up. null where there is none, or it is past its time. Throws a DatabaseFault. */
export async function redeemEventTicket(
  database: Database,
  ticketHash: string,
): Promise<EventTicket | null> {
  const session = await database.begin();
  try {
    const { quote, dialect } = session;
    const where = `ticket_hash = ${quote(ticketHash)}`;
    const [row] = await session.select(
      `SELECT ${COLUMNS} FROM event_tickets WHERE ${where} AND expires_at > ${dialect.now}` +
        dialect.forUpdate,
    );
    if (row) await session.run(`DELETE FROM event_tickets WHERE ${where}`);
    await session.commit();
    if (!row) return null;
    return {
      ticketHash,
      storeId: integer(row, 'store_id'),
      sub: text(row, 'sub'),
      role: oneOf(row, 'role', ROLES),
      signedInUntil: nullable(instant, row, 'signed_in_until'),
      expiresAt: instant(row, 'expires_at'),
    };
  } catch (error) {
    await session.rollback();
    throw error;
  }
}
