import * as namespace from '@appthreat/sqlite3';
import mysql from 'mysql2/promise';

/** The rows that the checker looks at, read over a connection of its own, all in one snapshot. */
export interface Tables {
  readonly products: ReadonlyMap<number, ProductRow>;
  readonly rentals: ReadonlyMap<string, RentalRow>;
  readonly reservations: ReadonlyMap<string, ReservationRow>;
  /** each product's lines in the order of the ledger */
  readonly ledgers: ReadonlyMap<number, readonly LineRow[]>;
  readonly orders: ReadonlyMap<string, OrderRow>;
  /** what was told of orders, in the order of the outbox */
  readonly orderEvents: readonly { readonly orderId: string; readonly status: string }[];
  /** ids of the payment provider's messages */
  readonly paymentEventIds: ReadonlySet<string>;
}

export interface Counters {
  readonly quantity: number;
  readonly quantity_available: number;
  readonly quantity_reserved: number;
  readonly quantity_rented: number;
}

export const COUNTERS = [
  'quantity',
  'quantity_available',
  'quantity_reserved',
  'quantity_rented',
] as const;

export interface ProductRow extends Counters {
  readonly id: number;
  readonly store_id: number;
  readonly sku: string;
  readonly availability_status: string;
  readonly version: number;
}

export interface RentalRow {
  readonly id: string;
  readonly store_id: number;
  readonly product_id: number;
  readonly user_id: string | null;
  readonly quantity: number;
  readonly status: string;
  readonly order_id: string | null;
  readonly reservation_id: string | null;
  readonly completed_at: unknown;
  readonly cancelled_at: unknown;
}

export interface ReservationRow {
  readonly id: string;
  readonly store_id: number;
  readonly cart_id: string;
  readonly product_id: number;
  readonly quantity: number;
  readonly status: string;
  readonly active: number | null;
  /** UTC ms, as all times here */
  readonly expires_at: number;
  readonly confirmed_at: number | null;
  readonly released_at: number | null;
  readonly order_id: string | null;
  readonly rental_id: string | null;
}

export interface LineRow extends Counters {
  readonly id: number;
  readonly store_id: number;
  readonly product_id: number;
  readonly command_id: string;
  readonly kind: string;
  readonly quantity_delta: number;
  readonly quantity_available_delta: number;
  readonly quantity_reserved_delta: number;
  readonly quantity_rented_delta: number;
  readonly rental_id: string | null;
  readonly reservation_id: string | null;
  readonly order_id: string | null;
  readonly created_at: number;
}

export interface OrderRow {
  readonly id: string;
  readonly store_id: number;
  readonly cart_id: string;
  readonly status: string;
  readonly pending: number | null;
  readonly amount: number | string;
  readonly items: readonly {
    readonly productId: number;
    readonly quantity: number;
    readonly unitAmount: number;
    readonly reservationId: string;
    readonly rentalId: string | null;
  }[];
}

type Row = Record<string, unknown>;

const TIMES = ['expires_at', 'confirmed_at', 'released_at', 'created_at'];

export async function readTables(databaseUrl: string): Promise<Tables> {
  const select = await open(databaseUrl);
  try {
    // All in one snapshot: a cleanup may write meanwhile.
    await select(select.begin);
    const products = await rowsOf<ProductRow>(select, 'products');
    const rentals = await rowsOf<RentalRow>(select, 'rentals');
    const reservations = await rowsOf<ReservationRow>(select, 'reservations');
    const lines = await rowsOf<LineRow>(select, 'movements');
    const orders = await rowsOf<OrderRow & { items: unknown }>(select, 'orders');
    const events = await select(
      "SELECT type, data FROM events WHERE type LIKE 'order.%' ORDER BY id",
    );
    const paymentEvents = await select('SELECT id FROM webhook_events');
    const ledgers = new Map<number, LineRow[]>();
    for (const line of lines) {
      const known = ledgers.get(line.product_id);
      if (known) known.push(line);
      else ledgers.set(line.product_id, [line]);
    }
    return {
      products: byId(products),
      rentals: byId(rentals),
      reservations: byId(reservations),
      ledgers,
      orders: byId(orders.map((row) => ({ ...row, items: JSON.parse(String(row.items)) }))),
      orderEvents: events.map(({ type, data }) => ({
        orderId: JSON.parse(String(data)).id,
        status: String(type).slice('order.'.length),
      })),
      paymentEventIds: new Set(paymentEvents.map(({ id }) => String(id))),
    };
  } finally {
    await select.close();
  }
}

const byId = <K, T extends { readonly id: K }>(rows: readonly T[]) =>
  new Map(rows.map((row) => [row.id, row]));

async function rowsOf<T>(select: Select, table: string): Promise<T[]> {
  const rows = await select(`SELECT * FROM ${table} ORDER BY id`);
  for (const row of rows) {
    for (const name of TIMES) {
      if (row[name] !== null && row[name] !== undefined) row[name] = millis(String(row[name]));
    }
  }
  return rows as unknown as T[];
}

const millis = (text: string) => Date.parse(`${text.replace(' ', 'T')}Z`);

interface Select {
  (sql: string): Promise<Row[]>;
  readonly begin: string;
  close(): Promise<void>;
}

async function open(databaseUrl: string): Promise<Select> {
  if (databaseUrl.startsWith('sqlite:')) return openSqlite(databaseUrl.slice('sqlite:'.length));
  const connection = await mysql.createConnection({ uri: databaseUrl, dateStrings: true });
  const select = async (sql: string) => {
    const [rows] = await connection.query(sql);
    return rows as Row[];
  };
  const begin = 'START TRANSACTION WITH CONSISTENT SNAPSHOT';
  return Object.assign(select, { begin, close: () => connection.end() });
}

async function openSqlite(file: string): Promise<Select> {
  const sqlite3 = (namespace as unknown as { default: typeof namespace }).default;
  const database = await new Promise<InstanceType<typeof namespace.Database>>((resolve, reject) => {
    const opened = new sqlite3.Database(file, sqlite3.OPEN_READWRITE, (error) =>
      error ? reject(error) : resolve(opened),
    );
  });
  const select = (sql: string) =>
    new Promise<Row[]>((resolve, reject) => {
      database.all<Row>(sql, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  const close = () => new Promise<void>((resolve) => database.close(() => resolve()));
  return Object.assign(select, { begin: 'BEGIN', close });
}
