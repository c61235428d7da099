import type { Connection } from '../src/persistence/database.js';
import { columnTypes, createTable } from '../src/persistence/tables.js';

export async function up(connection: Connection): Promise<void> {
  const type = columnTypes(connection.dialect);
  await createTable(connection, {
    // where stores want to be told of events
    name: 'webhook_endpoints',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      `store_id ${type.id} NOT NULL`,
      `url ${type.text(2000)} NOT NULL`,
      // patterns of types, a JSON list
      `events ${type.json} NOT NULL`,
      `secret ${type.text(200)} NOT NULL`,
      // goes on signing for a while after a rotation
      `previous_secret ${type.text(200)} NULL`,
      `previous_secret_until ${type.instant} NULL`,
      // NULL: enabled
      `disabled_reason ${type.word} NULL`,
      // the first attempt that failed since one succeeded last
      `failing_since ${type.instant} NULL`,
      `created_at ${type.instant} NOT NULL`,
      `updated_at ${type.instant} NOT NULL`,
    ],
    indexes: {
      // a store's list, newest first
      webhook_endpoints_store: 'store_id, id',
      // those that are sent to
      webhook_endpoints_enabled: 'disabled_reason, id',
    },
  });
  await createTable(connection, {
    // events on their way to them. No foreign key: an endpoint that is deleted leaves rows without
    // number behind, which go when their time is over
    name: 'webhook_deliveries',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      `store_id ${type.id} NOT NULL`,
      `endpoint_id ${type.uuid} NOT NULL`,
      // the event's sequence
      `event_id ${type.id} NOT NULL`,
      `type ${type.text(60)} NOT NULL`,
      // what is delivered one after another: the events of a product; 0: those of none
      `lane ${type.id} NOT NULL`,
      // as it is sent, and signed
      `payload ${type.json} NOT NULL`,
      `state ${type.word} NOT NULL`,
      `attempts ${type.units} NOT NULL`,
      `next_attempt_at ${type.instant} NULL`,
      `attempted_at ${type.instant} NULL`,
      `response_status ${type.units} NULL`,
      `error ${type.text(500)} NULL`,
      `duration_ms ${type.units} NULL`,
      `created_at ${type.instant} NOT NULL`,
    ],
    uniques: {
      // an event that is taken again makes no second delivery; an endpoint's list
      webhook_deliveries_event: 'endpoint_id, event_id',
    },
    indexes: {
      // an endpoint's list of one state
      webhook_deliveries_state: 'endpoint_id, state, event_id',
      // the first of each lane
      webhook_deliveries_lane: 'endpoint_id, state, lane, event_id',
      // what is past its time
      webhook_deliveries_created: 'created_at',
    },
  });
  await createTable(connection, {
    // what somebody is to be told by mail, until a mail is made of it
    name: 'mail_notices',
    columns: [
      `id ${type.autoId}`,
      `recipient ${type.text(320)} NOT NULL`,
      // the event's sequence
      `event_id ${type.id} NOT NULL`,
      // the event as it is told
      `event ${type.json} NOT NULL`,
      `created_at ${type.instant} NOT NULL`,
    ],
    uniques: {
      // whoever is told of an event for two reasons is told once; a recipient's notices in order
      mail_notices_event: 'recipient, event_id',
    },
    indexes: {
      // who waits longest
      mail_notices_created: 'created_at, recipient',
    },
  });
  await createTable(connection, {
    name: 'mails',
    columns: [
      `id ${type.uuid} NOT NULL PRIMARY KEY`,
      `message_id ${type.text(200)} NOT NULL`,
      `recipient ${type.text(320)} NOT NULL`,
      `subject ${type.text(200)} NOT NULL`,
      `body_text ${type.json} NOT NULL`,
      `body_html ${type.json} NOT NULL`,
      `state ${type.word} NOT NULL`,
      `attempts ${type.units} NOT NULL`,
      `next_attempt_at ${type.instant} NULL`,
      `error ${type.text(500)} NULL`,
      `created_at ${type.instant} NOT NULL`,
    ],
    indexes: {
      // what is due
      mails_due: 'state, next_attempt_at',
      // when somebody was written to last
      mails_recipient: 'recipient, created_at',
      // what is past its time
      mails_created: 'created_at',
    },
  });
}

export async function down(connection: Connection): Promise<void> {
  for (const table of ['mails', 'mail_notices', 'webhook_deliveries', 'webhook_endpoints']) {
    await connection.run(`DROP TABLE IF EXISTS ${table}`);
  }
}
