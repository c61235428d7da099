import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { REPORT_KINDS } from '../../src/domain/kept-report.js';
import { DAY_MS } from '../../src/domain/ledger-totals.js';
import { describeInBrowser, launchBrowser, type Visit, visit } from '../helpers/browser.js';
import type { Line } from '../helpers/naive-totals.js';
import { insertLedgers } from '../helpers/past-ledger.js';
import { type Client, type Service, startService } from '../helpers/service.js';

jest.setTimeout(120_000);

const NOTHING = { quantity: 0, quantityAvailable: 0, quantityReserved: 0, quantityRented: 0 };
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const today = Math.floor(Date.now() / DAY_MS);
/** Two whole days a week ago, of which everything is known. */
const FIRST = dayOf((today - 9) * DAY_MS);
const LAST = dayOf((today - 8) * DAY_MS);
/** As a reader sees a day. */
const said = (day: string) =>
  new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(day));

/** A product that owns four units from then on, of which one goes out for the second of the days. */
function lines(): Line[] {
  const from = (today - 9) * DAY_MS;
  let after = NOTHING;
  let id = 0;
  const line = (kind: Line['kind'], delta: Partial<Line['delta']>, createdAt: number): Line => {
    const whole = { ...NOTHING, ...delta };
    after = {
      quantity: after.quantity + whole.quantity,
      quantityAvailable: after.quantityAvailable + whole.quantityAvailable,
      quantityReserved: after.quantityReserved + whole.quantityReserved,
      quantityRented: after.quantityRented + whole.quantityRented,
    };
    const rentalId = kind === 'rent' || kind === 'complete' ? 'the-rental' : null;
    return {
      ...{ id: ++id, storeId: 1, productId: 1, kind, delta: whole, after, rentalId, createdAt },
    };
  };
  return [
    line('open', { quantity: 4, quantityAvailable: 4 }, from - DAY_MS),
    line('publish', {}, from - DAY_MS),
    line('rent', { quantityAvailable: -1, quantityRented: 1 }, from + DAY_MS),
    line('complete', { quantityAvailable: 1, quantityRented: -1 }, from + 2 * DAY_MS - 1),
    line('adjust', { quantity: 30, quantityAvailable: 30 }, from + 2 * DAY_MS - 1),
  ];
}

describeInBrowser('reports in the dashboard', () => {
  let service: Service;
  let browser: Browser;
  let admin: Client;
  let visitor: Visit;

  beforeAll(async () => {
    service = await startService('sqlite');
    admin = service.client();
    await insertLedgers(service.rows, [{ id: 1, storeId: 1, lines: lines() }]);
    await admin.post('/api/products', { sku: 'NEW', name: 'New', quantity: 2, publish: true });
    await admin.post('/api/rentals', { product_id: 'NEW' });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });
  beforeEach(async () => {
    visitor = await visit(browser, service.url);
  });
  afterEach(async () => {
    const { complaints } = visitor;
    await visitor.close();
    expect(complaints).toEqual([]);
  });

  /** Opens the page, and has it report on the two days. */
  async function choose(): Promise<void> {
    await visitor.open('/reports');
    await visitor.field('First day').fill(FIRST);
    await visitor.field('Last day').fill(LAST);
    await visitor.page.getByRole('heading', { name: `${said(FIRST)} to ${said(LAST)}` }).waitFor();
  }
  /** The file that a button sends. */
  async function downloaded(button: string): Promise<{ name: string; rows: string[][] }> {
    const coming = visitor.page.waitForEvent('download');
    await visitor.button(button).click();
    const download = await coming;
    const text = readFileSync(await download.path(), 'utf8');
    expect(text).toMatch(/\r\n$/);
    const rows = text.trimEnd().split('\r\n');
    return { name: download.suggestedFilename(), rows: rows.map((row) => row.split(',')) };
  }

  it('tell the figures of the days that were chosen, as the API has them', async () => {
    const to = dayOf((today - 7) * DAY_MS);
    const { body } = await admin.get(`/api/reports/summary?from=${FIRST}&to=${to}`);
    expect(body.rentals.begun.count).toBe(1);
    await choose();
    await visitor.figure('Rentals', 1);
    await visitor.said('1 came back, 0 cancelled');
    await visitor.figure('Utilisation', '12.5 %');
    await visitor.figure('Counted', '+30');
    await visitor.said('30 found, 0 missing');
    await visitor.figure('Units owned', 4);
    await visitor.page.getByRole('img', { name: /^Units over the period/ }).waitFor();
    const row = visitor.region('Products').getByRole('row', { name: /Product 1/ });
    await row.waitFor();
    const cells = await row.getByRole('cell').allInnerTexts();
    expect(cells.slice(0, 4)).toEqual(['Product 1', '12.5 %', '1', '24 h']);
    await visitor.region('Unusual changes').getByText('+30').waitFor();
    // What is said is for people: no instant, and no name of a field.
    const words = (await visitor.page.evaluate(`(() => {
      const texts = document.createTreeWalker(document.getElementById('app'), NodeFilter.SHOW_TEXT);
      const words = [];
      while (texts.nextNode()) words.push(texts.currentNode.data);
      return words;
    })()`)) as string[];
    const raw = /\d{4}-\d\d-\d\d|[a-z][A-Z][a-z]|[a-z]_[a-z]/;
    expect(words.filter((word) => raw.test(word))).toEqual([]);
  });

  it('put the products in another order', async () => {
    await visitor.open('/reports');
    const first = visitor.region('Products').getByRole('row').nth(1);
    await first.getByText('Product 1').waitFor();
    await visitor.field('Order').selectOption('Idlest');
    await first.getByText('New').waitFor();
  });

  it('say what is wrong with a period beside its day', async () => {
    await visitor.open('/reports');
    await visitor.field('First day').fill('2000-01-01');
    await visitor.wrong('Last day', /must be at most/);
    await visitor.field('First day').fill('2999-01-01');
    await visitor.wrong('First day', /must/);
    await visitor.field('First day').fill(FIRST);
    await visitor.figure('Rentals', 2);
    visitor.forgive(/status of 400/);
  });

  it('are to be had as CSV', async () => {
    await choose();
    const figures = await downloaded('Figures as CSV');
    const to = dayOf((today - 7) * DAY_MS);
    expect(figures.name).toBe(`summary-${FIRST}-until-${to}.csv`);
    expect(figures.rows[0]).toEqual(['figure', 'value']);
    expect(Object.fromEntries(figures.rows)).toMatchObject({
      ...{ from: `${FIRST}T00:00:00.000Z`, to: `${to}T00:00:00.000Z` },
      ...{ utilisation: '0.125', 'rentals.begun.count': '1', 'stock.foundUnits': '30' },
    });
    const products = await downloaded('Products as CSV');
    const [columns = [], ...rows] = products.rows;
    const column = (name: string) => rows.map((row) => row[columns.indexOf(name)]);
    expect(column('sku')).toEqual(['P-1', 'NEW']);
    expect(column('rentals.begun.count')).toEqual(['1', '0']);
    const levels = await downloaded('Levels as CSV');
    expect(levels.rows[0]?.slice(0, 2)).toEqual(['at', 'quantity']);
    expect(levels.rows.at(-1)?.slice(0, 2)).toEqual([expect.stringContaining(LAST), '4']);
    const unusual = await downloaded('Unusual changes as CSV');
    expect(unusual.rows).toHaveLength(2);
  });

  it('that are kept are listed, and opened', async () => {
    await visitor.open('/reports');
    await visitor.said('None was made yet.');
    const { keptReports } = service.app.core;
    const [low, week, month] = await Promise.all(
      REPORT_KINDS.map((kind) => keptReports.make(1, kind)),
    );
    await visitor.page.reload();
    const kept = visitor.region('Daily, weekly, monthly');
    await kept.getByText(`Low stock, ${said(dayOf(today * DAY_MS))}`).waitFor();
    const monday = today - ((today + 3) % 7) - 7;
    const days = `${said(dayOf(monday * DAY_MS))} to ${said(dayOf((monday + 6) * DAY_MS))}`;
    for (const [name, report] of [
      ['Low stock', low],
      [`Drift and movements, ${days}`, week],
      ['Stock advice and suppliers', month],
    ] as const) {
      await kept.getByRole('button', { name: `Show ${name}` }).click();
      const shown = visitor.dialog().locator('pre');
      await shown.waitFor();
      // Its first line is the title, which stands above it.
      const [title, ...sections] = report?.text.trimEnd().split('\n\n') ?? [];
      expect(title).toBe(report?.title);
      expect(await shown.textContent()).toBe(sections.join('\n\n'));
      await visitor.page.keyboard.press('Escape');
      await visitor.dialog().waitFor({ state: 'detached' });
    }
  });

  it('are as CSV to the end, however many pages that are', async () => {
    const skus = Array.from({ length: 1_100 }, (_, i) => `MANY-${i}`);
    for (let i = 0; i < skus.length; i += 100) {
      const products = skus.slice(i, i + 100).map((sku) => ({ sku, name: sku, quantity: 1 }));
      expect((await admin.post('/api/products/batch', { products })).status).toBeLessThan(300);
    }
    await choose();
    const [columns = [], ...rows] = (await downloaded('Products as CSV')).rows;
    const place = columns.indexOf('sku');
    expect(new Set(rows.map((row) => row[place]))).toEqual(new Set(['P-1', 'NEW', ...skus]));
    expect(rows).toHaveLength(skus.length + 2);
  });

  it('ask to sign in again where the session ended before a CSV was asked for', async () => {
    await choose();
    await visitor.settled();
    await visitor.page.evaluate(
      `sessionStorage.setItem('credentials', JSON.stringify({ secret: 'ended', kind: 'token', storeId: null }));
       document.querySelector('[aria-label="Figures as CSV"]').click();`,
    );
    await visitor.said(/Your session has ended/);
  });
});
