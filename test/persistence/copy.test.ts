import { describe, expect, it } from '@jest/globals';
import { copyDatabase } from '../../src/persistence/copy.js';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { createMigrator } from '../../src/persistence/migrations.js';
import { instant, nullable } from '../../src/persistence/rows.js';
import { createDatabase, type TestDatabase } from '../helpers/databases.js';
import { startService } from '../helpers/service.js';

const ROUTES = [
  ['sqlite', 'mysql'],
  ['mysql', 'sqlite'],
] as const;

describe.each(ROUTES)('copying a database from %s to %s', (fromKind, toKind) => {
  it('brings over every row, after which the service goes on where it was', async () => {
    const old = await startService(fromKind);
    const admin = old.client();
    const product = { sku: 'Ünïcode 🚲', name: "O'Brien \\ ; --", quantity: 3, publish: true };
    await admin.post('/api/products', product, { 'Idempotency-Key': 'once' });
    await admin.post('/api/products', { sku: 'child', name: 'c', quantity: 0, parent_id: 1 });
    const rental = await admin.post('/api/rentals', {
      product_id: 1,
      quantity: 2,
      ends_at: '2026-01-02T03:04:05.678Z',
    });
    await fillTellingTables(old.rows);
    const target = await createDatabase(toKind);
    await withDatabase(target, async (to) => {
      await createMigrator(to, target.target).up();
      await copyDatabase(old.rows, to, () => {});
      for (const table of TELLING_TABLES) {
        const rows = await rowsOf(old.rows, table);
        expect([table, rows.length]).toEqual([table, 2]);
        expect([table, await rowsOf(to, table)]).toEqual([table, rows]);
      }
      await expect(copyDatabase(old.rows, to, () => {})).rejects.toThrow('The target is not empty');
    });

    const copy = await startService(target);
    const client = copy.client();
    const before = await admin.get(`/api/rentals/${rental.body.id}`);
    const after = await client.get(`/api/rentals/${rental.body.id}`);
    expect(after.body).toEqual(before.body);
    expect((await client.get('/api/products')).body).toEqual(
      (await admin.get('/api/products')).body,
    );
    expect((await client.get('/api/products/1/movements')).body).toEqual(
      (await admin.get('/api/products/1/movements')).body,
    );
    const repeated = await client.post('/api/products', product, { 'Idempotency-Key': 'once' });
    expect(repeated.headers.get('Idempotency-Replayed')).toBe('true');
    expect((await client.post('/api/products', { ...product, sku: 'n' })).body.id).toBe(3);

    await copy.stop();
    await target.drop();
    await old.stop();
  });
});

async function withDatabase(on: TestDatabase, use: (database: Database) => Promise<void>) {
  const database = openDatabase(on.target, { poolMax: 2, queryTimeoutMs: 10_000 });
  await use(database).finally(() => database.close());
}

const TELLING_TABLES = ['webhook_endpoints', 'webhook_deliveries', 'mail_notices', 'mails'];

/** Two rows in each table of webhooks and mail: one with every column, one with every NULL. */
async function fillTellingTables(database: Database): Promise<void> {
  const { quote } = database;
  const at = '2026-01-02 03:04:05.678';
  const text = 'Zelt 🏕️, "O\'Brien" \\ ; -- 100 %';
  const uuid = (n: number) => `01966f0a-7c00-7000-8000-00000000000${n}`;
  const insert = (table: string, row: Record<string, string | number | null>) =>
    database.run(
      `INSERT INTO ${table} (${Object.keys(row).join(', ')}) ` +
        `VALUES (${Object.values(row).map(quote).join(', ')})`,
    );
  const endpoint = {
    store_id: 1,
    url: `https://example.com/${text}`,
    events: JSON.stringify(['rental.*', text]),
    secret: 'whsec_bmV3',
    // So that nothing is sent to it meanwhile.
    disabled_reason: 'by_hand',
    created_at: at,
    updated_at: at,
  };
  const previous = { previous_secret: 'whsec_b2xk', previous_secret_until: at, failing_since: at };
  await insert('webhook_endpoints', { id: uuid(1), ...endpoint, ...previous });
  await insert('webhook_endpoints', { id: uuid(2), ...endpoint });
  const delivery = {
    store_id: 1,
    endpoint_id: uuid(1),
    type: 'rental.created',
    lane: 1,
    payload: JSON.stringify({ data: { name: text } }),
    state: 'failed',
    attempts: 3,
    created_at: at,
  };
  const attempt = {
    next_attempt_at: at,
    attempted_at: at,
    response_status: 503,
    error: text,
    duration_ms: 12,
  };
  await insert('webhook_deliveries', { id: uuid(3), event_id: 7, ...delivery, ...attempt });
  await insert('webhook_deliveries', { id: uuid(4), event_id: 8, ...delivery });
  const notice = { recipient: 'anna@example.com', event: JSON.stringify({ text }), created_at: at };
  await insert('mail_notices', { event_id: 7, ...notice });
  await insert('mail_notices', { event_id: 8, ...notice });
  const mail = {
    message_id: '<1@example.com>',
    recipient: 'anna@example.com',
    subject: text,
    body_text: `${text}\n`,
    body_html: `<p>${text}</p>`,
    state: 'failed',
    attempts: 2,
    created_at: at,
  };
  await insert('mails', { id: uuid(5), ...mail, next_attempt_at: at, error: text });
  await insert('mails', { id: uuid(6), ...mail });
}

/** A table's rows, whatever a database makes of times. */
async function rowsOf(database: Database, table: string): Promise<Record<string, unknown>[]> {
  const rows = await database.select(`SELECT * FROM ${table} ORDER BY id`);
  const isTime = (column: string) => /_(at|until|since)$/.test(column);
  return rows.map((row) =>
    Object.fromEntries(
      Object.keys(row).map((column) => [
        column,
        isTime(column) ? nullable(instant, row, column) : row[column],
      ]),
    ),
  );
}
