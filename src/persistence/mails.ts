import { newId } from '../ids.js';
import type { Connection } from './database.js';
import { instant, integer, type Row, text } from './rows.js';
import { list, slices } from './sql.js';

/** A mail that is to be sent. */
export interface NewMail {
  /** one address */
  readonly recipient: string;
  /** one line of at most 200 characters */
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** what it is about, the same where it is sent again: letters, digits, `.` and `-` */
  readonly name: string;
}

export interface QueuedMail extends Omit<NewMail, 'name'> {
  readonly id: string;
  readonly messageId: string;
  readonly attempts: number;
}

/** Something that somebody is to be told by mail. */
export interface Notice {
  readonly recipient: string;
  /** its sequence */
  readonly eventId: number;
  /** the event as it is told, JSON */
  readonly event: string;
}

const SUBJECT_LENGTH_MAX = 200;
const ERROR_LENGTH_MAX = 500;

/** Queues a mail; it is sent as soon as may be. In a transaction, it is with the rest of it. */
export async function queueMail(connection: Connection, mail: NewMail): Promise<void> {
  const { quote, dialect } = connection;
  // Nothing that is put into a header may end it.
  const subject = mail.subject.replace(/\p{Cc}+/gu, ' ').slice(0, SUBJECT_LENGTH_MAX);
  const values = list(quote, [
    newId(),
    mail.name.replace(/[^\w.-]/g, '-').slice(0, SUBJECT_LENGTH_MAX),
    mail.recipient,
    subject,
    mail.text,
    mail.html,
  ]);
  await connection.run(
    'INSERT INTO mails (id, message_id, recipient, subject, body_text, body_html, state, attempts, ' +
      `next_attempt_at, created_at) VALUES ${values.slice(0, -1)},'waiting',0,${dialect.now},${dialect.now})`,
  );
}

/** The mail that is due longest; null where none is. */
export async function readDueMail(connection: Connection): Promise<QueuedMail | null> {
  const [row] = await connection.select(
    'SELECT id, message_id, recipient, subject, body_text, body_html, attempts FROM mails ' +
      `WHERE state = 'waiting' AND next_attempt_at <= ${connection.dialect.now} ` +
      'ORDER BY next_attempt_at LIMIT 1',
  );
  return row ? rowToMail(row) : null;
}

function rowToMail(row: Row): QueuedMail {
  return {
    id: text(row, 'id'),
    messageId: text(row, 'message_id'),
    recipient: text(row, 'recipient'),
    subject: text(row, 'subject'),
    text: text(row, 'body_text'),
    html: text(row, 'body_html'),
    attempts: integer(row, 'attempts'),
  };
}

/** Writes what became of an attempt; `nextInSeconds` is null where there is no further one. */
export async function saveMailAttempt(
  connection: Connection,
  made: {
    id: string;
    state: 'waiting' | 'sent' | 'given_up';
    attempts: number;
    nextInSeconds: number | null;
    error: string | null;
  },
): Promise<void> {
  const { quote, dialect } = connection;
  const next = made.nextInSeconds === null ? 'NULL' : dialect.inSeconds(made.nextInSeconds);
  await connection.run(
    `UPDATE mails SET state = ${quote(made.state)}, attempts = ${made.attempts}, ` +
      `next_attempt_at = ${next}, error = ${quote(made.error?.slice(0, ERROR_LENGTH_MAX) ?? null)} ` +
      `WHERE id = ${quote(made.id)}`,
  );
}

/** Keeps notices. One that is there already stays as it is. */
export async function insertNotices(
  connection: Connection,
  notices: readonly Notice[],
): Promise<void> {
  const { quote, dialect } = connection;
  for (const some of slices(notices)) {
    const rows = some.map(
      ({ recipient, eventId, event }) =>
        `${list(quote, [recipient, eventId, event]).slice(0, -1)},${dialect.now})`,
    );
    await connection.run(
      `${dialect.insertIgnore} INTO mail_notices (recipient, event_id, event, created_at) ` +
        `VALUES ${rows.join(',')}`,
    );
  }
}

/**
 * Who is to be written to: has a notice that is `collectSeconds` old, and got no mail for
 * `spacingSeconds`. Those who wait longest come first.
 */
export async function readRecipients(
  connection: Connection,
  options: { collectSeconds: number; spacingSeconds: number; limit: number },
): Promise<string[]> {
  const { dialect } = connection;
  const rows = await connection.select(
    'SELECT n.recipient, MIN(n.created_at) AS waits_since FROM mail_notices n ' +
      `WHERE n.created_at <= ${dialect.inSeconds(-options.collectSeconds)} ` +
      'AND NOT EXISTS (SELECT 1 FROM mails m WHERE m.recipient = n.recipient ' +
      `AND m.created_at > ${dialect.inSeconds(-options.spacingSeconds)}) ` +
      `GROUP BY n.recipient ORDER BY waits_since LIMIT ${options.limit}`,
  );
  return rows.map((row) => text(row, 'recipient'));
}

/** A recipient's notices, in the order of their events. */
export async function readNotices(
  connection: Connection,
  { recipient, limit }: { recipient: string; limit: number },
): Promise<Notice[]> {
  const rows = await connection.select(
    'SELECT recipient, event_id, event FROM mail_notices ' +
      `WHERE recipient = ${connection.quote(recipient)} ORDER BY event_id LIMIT ${limit}`,
  );
  return rows.map((row) => ({
    recipient: text(row, 'recipient'),
    eventId: integer(row, 'event_id'),
    event: text(row, 'event'),
  }));
}

/** Removes a recipient's notices up to an event: they have been made into a mail. */
export async function deleteNotices(
  connection: Connection,
  { recipient, upTo }: { recipient: string; upTo: number },
): Promise<void> {
  await connection.run(
    `DELETE FROM mail_notices WHERE recipient = ${connection.quote(recipient)} AND event_id <= ${upTo}`,
  );
}

/** The addresses of those who supply these products, by product. */
export async function readSupplierEmails(
  connection: Connection,
  productIds: readonly number[],
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const some of slices([...new Set(productIds)])) {
    const rows = await connection.select(
      'SELECT id, supplier_email FROM products ' +
        `WHERE id IN ${list(connection.quote, some)} AND supplier_email IS NOT NULL`,
    );
    for (const row of rows) found.set(integer(row, 'id'), text(row, 'supplier_email'));
  }
  return found;
}

/** For how many s the mail waits that is due longest; 0: none is. */
export async function oldestDueMailSeconds(connection: Connection): Promise<number> {
  const { dialect } = connection;
  const [row] = await connection.select(
    `SELECT ${dialect.now} AS now, next_attempt_at FROM mails WHERE state = 'waiting' ` +
      'ORDER BY next_attempt_at LIMIT 1',
  );
  if (!row) return 0;
  return Math.max(0, (instant(row, 'now') - instant(row, 'next_attempt_at')) / 1000);
}
