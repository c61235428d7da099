import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { createApp } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import { REPORT_KINDS } from '../../src/domain/kept-report.js';
import type { Order } from '../../src/domain/order.js';
import { newId } from '../../src/ids.js';
import { createLogger } from '../../src/log.js';
import { type Database, openDatabase } from '../../src/persistence/database.js';
import { insertOrders } from '../../src/persistence/orders.js';
import { integer, text } from '../../src/persistence/rows.js';
import { signToken } from '../../src/tokens.js';
import { replay } from './replay.js';
import { ScriptError, script, type Terminal } from './script.js';
import { type ServiceClient, serviceClient } from './service-client.js';

const SAMPLE = 'samples/sakila';
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const SECRET = 'a secret for pictures, of thirty-two bytes or more';
const SETTLED_MS = 700;

/** `npm run screenshots`: the dashboard's pages as they look with the Sakila sample in them. */
export const screenshots = script({
  help: `
Takes a picture of each page of the dashboard, with the Sakila sample in a database for now.

  npm run screenshots

  --into FOLDER      where they go (default: docs/screenshots)
  --browser FILE     a Chromium (default: the one of this machine)

Exits with 0 when all were taken, 1 when they could not be, 2 when the command line can not be
understood.
`,
  options: {
    into: { type: 'string', default: 'docs/screenshots' },
    browser: { type: 'string' },
  },
  positionalsMax: 0,
  async run({ values }, terminal) {
    const executablePath = values.browser ?? BROWSERS.find((file) => existsSync(file));
    if (executablePath === undefined) {
      throw new ScriptError('There is no Chromium on this machine; name one with --browser.');
    }
    const folder = mkdtempSync(join(tmpdir(), 'availability-screenshots-'));
    const shop = await openShop(folder, terminal);
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    });
    try {
      mkdirSync(values.into, { recursive: true });
      for (const picture of PICTURES) {
        await take(browser, shop, { ...picture, file: join(values.into, `${picture.name}.png`) });
        terminal.print(join(values.into, `${picture.name}.png`));
      }
    } finally {
      await browser.close();
      await shop.close();
      rmSync(folder, { recursive: true, force: true });
    }
    return 0;
  },
});

interface Picture {
  readonly name: string;
  /** below /admin */
  readonly path: string;
  readonly theme?: 'dark';
  readonly isPhone?: boolean;
  /** the button that is pressed before the picture is taken */
  readonly press?: string;
  /** a file of products that is chosen before */
  readonly csv?: string;
  readonly isSignedOut?: boolean;
}

const BAD_CSV = `sku,name,quantity,price_amount,price_currency
TENT-2,Tent for two,12,1900,EUR
TENT-4,Tent for four,many,2900,EUR
S1-F0001,A film that is there already,3,400,USD
STOVE-1,Camping stove,8,600,
LAMP-1,Head lamp,20,250,EUR
`;

const PICTURES: readonly Picture[] = [
  { name: 'sign-in', path: '', isSignedOut: true },
  { name: 'now', path: '' },
  { name: 'now-dark', path: '', theme: 'dark' },
  { name: 'now-phone', path: '', isPhone: true },
  { name: 'products', path: '/products?sort=name' },
  { name: 'products-phone', path: '/products?sort=name', isPhone: true, theme: 'dark' },
  { name: 'new-product', path: '/products/new' },
  { name: 'import', path: '/products/import', csv: BAD_CSV },
  { name: 'product', path: '/products/S1-F0001' },
  { name: 'product-dark', path: '/products/S1-F0001', theme: 'dark' },
  { name: 'product-phone', path: '/products/S1-F0001', isPhone: true },
  { name: 'rentals', path: '/rentals' },
  { name: 'reservations', path: '/reservations' },
  { name: 'orders', path: '/orders' },
  { name: 'drift', path: '/drift', press: 'Look for drift' },
  { name: 'reports', path: '/reports' },
  { name: 'reports-kept', path: '/reports', press: 'Show Stock advice and suppliers' },
  { name: 'reports-phone', path: '/reports', isPhone: true, theme: 'dark' },
];

interface Shop {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** A service with the sample in it, and a little of everything that the pages show. */
async function openShop(folder: string, terminal: Terminal): Promise<Shop> {
  const config = readConfig({
    DATABASE_URL: `sqlite:${join(folder, 'shop.sqlite')}`,
    HOST: '127.0.0.1',
    PORT: '0',
    JWT_SECRET: SECRET,
    LOW_STOCK_THRESHOLD: '1',
  });
  const app = createApp(config, { log: createLogger('error', 2), secret: SECRET });
  await app.start();
  const { url } = app;
  const rows = openDatabase(config.database, { poolMax: 1, queryTimeoutMs: 30_000 });
  const token = await signToken(SECRET, {
    sub: 'anna@example.org',
    role: 'admin',
    storeId: 1,
    issuer: null,
    audience: null,
    lifetimeSeconds: 3600,
  });
  const close = async () => {
    await rows.close();
    await app.stop();
  };
  try {
    await replay({ url, token, folder: SAMPLE, concurrency: 64 }, terminal);
    const client = serviceClient({ url, token, connections: 4 });
    await keepBusy(client);
    client.close();
    await spreadOverTime(rows);
    await takeOrders(rows);
    await spoil(rows);
    for (const kind of REPORT_KINDS) await app.core.keptReports.make(1, kind);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, token, close };
}

async function keepBusy(client: ServiceClient): Promise<void> {
  const post = (path: string, body: object, i: number) => client.post(path, body, `${path}-${i}`);
  const dueAt = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
  for (let i = 1; i <= 24; i++) {
    const sku = `S1-F${String(i * 4).padStart(4, '0')}`;
    const rental = { product_id: sku, user_id: `c${100 + i}`, ends_at: dueAt(i * 5 - 20) };
    await post('/api/rentals', rental, i);
    const hold = { cartId: `cart-${4700 + i}`, resellerProductId: sku, quantity: 1 };
    await post('/api/reservations', { ...hold, expiresInMinutes: 10 + i * 3 }, i);
  }
  // One product with something of everything.
  await post('/api/rentals', { product_id: 'S1-F0001', user_id: 'anna' }, 30);
  await post('/api/rentals', { product_id: 'S1-F0001', user_id: 'ben', ends_at: dueAt(30) }, 31);
  await post(
    '/api/reservations',
    { cartId: 'cart-1', resellerProductId: 'S1-F0001', quantity: 1 },
    32,
  );
  for (const name of ['Rain coat', 'Camping chair', 'Head lamp', 'Cool box']) {
    const sku = name.toUpperCase().replace(' ', '-');
    await post('/api/products', { sku, name, quantity: 6 }, sku.length);
  }
  await client.post('/api/products/sync-quantities?dry_run=true', null, 'sync');
}

/**
 * The sample was sent in seconds; the ledger is told as if it had taken a month: each product's lines
 * evenly, each product a little aside of the others, and all of them in order of time.
 */
async function spreadOverTime(rows: Database): Promise<void> {
  await rows.run(
    'CREATE TABLE places AS SELECT id, at, ROW_NUMBER() OVER (ORDER BY at, id) AS place FROM (' +
      "SELECT id, strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (30.0 * 86400 * " +
      '(1 - (ROW_NUMBER() OVER lines - (product_id * 37 % 100) / 100.0) / COUNT(*) OVER product)) ' +
      "|| ' seconds') AS at FROM movements WINDOW lines AS (PARTITION BY product_id ORDER BY id), " +
      'product AS (PARTITION BY product_id))',
  );
  await rows.run('CREATE UNIQUE INDEX places_by_id ON places (id)');
  // Through numbers below 0, since a new number may be an old one of another line.
  await rows.run(
    'UPDATE movements SET created_at = p.at, id = -p.place FROM places p WHERE p.id = movements.id',
  );
  await rows.run('UPDATE movements SET id = -id');
  await rows.run('DROP TABLE places');
  await rows.run(
    'UPDATE rentals SET created_at = COALESCE((SELECT MIN(m.created_at) FROM movements m ' +
      'WHERE m.product_id = rentals.product_id AND m.rental_id = rentals.id), created_at)',
  );
}

/** Orders as payments would have left them: there is no payment provider here. */
async function takeOrders(rows: Database): Promise<void> {
  const products = await rows.select(
    "SELECT id, sku, name, price_amount FROM products WHERE sku LIKE 'S1-F00%' ORDER BY id LIMIT 12",
  );
  const now = Date.now();
  const outcomes = [
    ...(['confirmed', 'confirmed', 'refunded', 'expired', 'failed', 'confirmed'] as const),
    ...(['refund_required', 'cancelled', 'confirmed', 'pending'] as const),
  ];
  const orders = outcomes.map((status, i): Order => {
    const items = products.slice(i, i + 1 + (i % 3)).map((row) => ({
      productId: integer(row, 'id'),
      sku: text(row, 'sku'),
      name: text(row, 'name'),
      quantity: 1 + (i % 2),
      unitAmount: integer(row, 'price_amount'),
      reservationId: newId(),
      rentalId: null,
    }));
    const createdAt = now - (outcomes.length - i) * 47 * 60_000;
    return {
      id: newId(),
      storeId: 1,
      cartId: `cart-${4690 + i}`,
      status,
      customerId: null,
      createdBy: 'anna@example.org',
      amount: items.reduce((sum, { quantity, unitAmount }) => sum + quantity * unitAmount, 0),
      currency: 'USD',
      items,
      payment: { kind: 'intent', customerEmail: null },
      paymentIntentId: null,
      sessionId: null,
      failureReason: status === 'failed' ? 'Your card was declined.' : null,
      expiresAt: now + 3_600_000,
      attendAt: null,
      createdAt,
      updatedAt: createdAt,
    };
  });
  await insertOrders(rows, orders);
}

/** What a hand in the database does: drift to look at. */
async function spoil(rows: Database): Promise<void> {
  await rows.run(
    "UPDATE products SET quantity_available = quantity_available + quantity_rented, quantity_rented = 0 WHERE sku IN ('S1-F0004', 'S2-F0005')",
  );
  await rows.run(
    "UPDATE rentals SET status = 'completed', completed_at = created_at WHERE id = (SELECT MIN(r.id) FROM rentals r JOIN products p ON p.id = r.product_id WHERE r.status = 'active' AND p.sku = 'S2-F0001')",
  );
}

async function take(
  browser: Browser,
  { url, token }: Shop,
  picture: Picture & { file: string },
): Promise<void> {
  const { isPhone = false, theme = 'light' } = picture;
  const page = await browser.newPage({
    viewport: isPhone ? { width: 375, height: 780 } : { width: 1280, height: 800 },
    deviceScaleFactor: 1,
    colorScheme: theme,
    reducedMotion: 'reduce',
  });
  try {
    if (!picture.isSignedOut) {
      const credentials = JSON.stringify({ secret: token, kind: 'token', storeId: null });
      await page.addInitScript(`sessionStorage.setItem('credentials', '${credentials}')`);
    }
    await page.goto(`${url}/admin${picture.path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    if (picture.csv !== undefined) {
      const buffer = Buffer.from(picture.csv);
      await page
        .getByLabel('File', { exact: true })
        .setInputFiles({ name: 'a.csv', mimeType: 'text/csv', buffer });
    }
    if (picture.press !== undefined)
      await page.getByRole('button', { name: picture.press }).click();
    await page.waitForLoadState('networkidle');
    await page.waitForTimeout(SETTLED_MS);
    while ((await page.getByText('Loading …').count()) > 0) await page.waitForTimeout(SETTLED_MS);
    await page.screenshot({ path: picture.file, fullPage: false });
  } finally {
    await page.close();
  }
}
