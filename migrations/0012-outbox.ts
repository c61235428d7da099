import type { Connection } from '../src/persistence/database.js';
import {
  addColumn,
  addIndex,
  columnTypes,
  createTable,
  dropColumn,
  dropIndex,
} from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    // what the relay has told, in its order: a page a round
    name: 'outbox',
    columns: [
      // dense: two relays that would write the same page clash, so one of them writes nothing
      `page ${type.id} NOT NULL PRIMARY KEY`,
      // of its last event; that of the page before, where it has none
      `last_sequence ${type.id} NOT NULL`,
      `told ${type.json} NOT NULL`,
      // where the relay stands after it: the largest ids that it has seen, and those it has missed
      `movements_seen ${type.id} NOT NULL`,
      `events_seen ${type.id} NOT NULL`,
      `missing ${type.json} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
    ],
    indexes: {
      // what came after a sequence
      outbox_sequence: 'last_sequence, page',
      // what is past its time
      outbox_created: 'created_at',
    },
  });
  await createTable(connection, {
    // how far somebody has come who must miss nothing, across restarts
    name: 'event_cursors',
    columns: [`name ${type.text(60)} NOT NULL PRIMARY KEY`, `sequence ${type.id} NOT NULL`],
  });
  await createTable(connection, {
    // a browser's way to /api/events, good once
    name: 'event_tickets',
    columns: [
      `ticket_hash ${type.hash} NOT NULL PRIMARY KEY`,
      `store_id ${type.id} NOT NULL`,
      `sub ${type.text(200)} NOT NULL`,
      `role ${type.word} NOT NULL`,
      // when the token ends that it was asked for with; NULL: it was a key
      `signed_in_until ${type.instant} NULL`,
      `expires_at ${type.instant} NOT NULL`,
    ],
    indexes: {
      // what is past its time
      event_tickets_expiry: 'expires_at',
    },
  });
  // when it was told that a rental is overdue
  await addColumn(connection, 'rentals', { name: 'overdue_at', type: `${type.instant} NULL` });
  // what is overdue, and has not been told
  await addIndex(connection, 'rentals', {
    name: 'rentals_overdue',
    columns: 'store_id, status, ends_at, overdue_at',
  });
  await dropIndex(connection, 'rentals', 'rentals_due');
}

export async function down(connection: Connection): Promise<void> {
  await addIndex(connection, 'rentals', {
    name: 'rentals_due',
    columns: 'store_id, status, ends_at',
  });
  await dropIndex(connection, 'rentals', 'rentals_overdue');
  await dropColumn(connection, 'rentals', 'overdue_at');
  for (const table of ['event_tickets', 'event_cursors', 'outbox']) {
    await connection.run(`DROP TABLE IF EXISTS ${table}`);
  }
}
