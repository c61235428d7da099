import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import {
  DESK,
  describeInBrowser,
  launchBrowser,
  overflow,
  PHONE,
  seriousIssues,
  visit,
} from '../helpers/browser.js';
import { type Service, startService } from '../helpers/service.js';

jest.setTimeout(60_000);

const PAGES = [
  ['Now', ''],
  ['Products', '/products'],
  ['New product', '/products/new'],
  ['Import products', '/products/import'],
  ['a product', '/products/1'],
  ['Rentals', '/rentals'],
  ['Reservations', '/reservations'],
  ['Orders', '/orders'],
  ['Drift', '/drift'],
  ['Reports', '/reports'],
  ['no page', '/nowhere'],
] as const;

describeInBrowser('each page of the dashboard', () => {
  let service: Service;
  let browser: Browser;

  beforeAll(async () => {
    service = await startService('sqlite');
    browser = await launchBrowser();
    const admin = service.client();
    const name =
      'A product with a name that is long enough to need more room than there is on a phone';
    const more = { price_amount: 123456, price_currency: 'EUR', supplier_email: 'a@example.org' };
    const product = { sku: 'LONG-'.repeat(12), name, quantity: 12_345, publish: true, ...more };
    const { id } = (await admin.post('/api/products', product)).body;
    expect(id).toBe(1);
    await admin.post('/api/products', {
      sku: 'NONE',
      name: 'None free',
      quantity: 0,
      publish: true,
    });
    await admin.post('/api/products', { sku: 'DRAFT', name: 'A draft', quantity: 1 });
    const ends_at = new Date(Date.now() - 1_000).toISOString();
    const starts_at = new Date(Date.now() - 5_000).toISOString();
    await admin.post('/api/rentals', {
      product_id: 1,
      user_id: 'u'.repeat(60),
      starts_at,
      ends_at,
    });
    await admin.post('/api/rentals', { product_id: 1, order_id: 'order-1' });
    const hold = { cartId: 'c'.repeat(60), resellerProductId: 1, quantity: 2 };
    await admin.post('/api/reservations', hold);
    await service.rows.run('UPDATE products SET quantity = 2, quantity_available = 2 WHERE id = 3');
    await admin.post('/api/products/sync-quantities?dry_run=true');
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it.each(PAGES)(`%s: axe finds no serious issue, ${colorScheme}`, async (_name, path) => {
      const visitor = await visit(browser, service.url, { colorScheme });
      await visitor.open(path);
      await visitor.page.waitForTimeout(500);
      expect(await seriousIssues(visitor.page)).toEqual([]);
      expect(visitor.complaints).toEqual([]);
      await visitor.close();
    });
  }

  it.each(['light', 'dark'] as const)(
    'the sign-in and a dialog: axe finds no serious issue, %s',
    async (colorScheme) => {
      const visitor = await visit(browser, service.url, { colorScheme, as: null });
      await visitor.open('');
      expect(await seriousIssues(visitor.page)).toEqual([]);
      await visitor.close();
      const signedIn = await visit(browser, service.url, { colorScheme });
      await signedIn.open('/products/1');
      await signedIn.page.getByRole('button', { name: 'Edit' }).click();
      expect(await seriousIssues(signedIn.page)).toEqual([]);
      await signedIn.close();
    },
  );

  it.each(PAGES)('%s is no wider than a phone or a desk', async (_name, path) => {
    for (const viewport of [PHONE, DESK]) {
      const visitor = await visit(browser, service.url, { viewport });
      await visitor.open(path);
      await visitor.page.waitForTimeout(400);
      expect(await overflow(visitor.page)).toBe(0);
      await visitor.close();
    }
  });

  it('can be used by keyboard alone', async () => {
    const visitor = await visit(browser, service.url);
    const { page } = visitor;
    const focused = () =>
      page.evaluate(
        'document.activeElement.textContent || document.activeElement.id',
      ) as Promise<string>;
    /** Presses Tab until what is named has the focus. */
    const tabTo = async (name: RegExp) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press('Tab');
        const label = (await page.evaluate(
          `(() => { const e = document.activeElement;
            return e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent; })()`,
        )) as string;
        if (name.test(label)) return;
      }
      throw new Error(`${name} can not be reached by Tab`);
    };
    await visitor.open('');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the page');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('page');

    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await tabTo(/^Products$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Products' }).waitFor();
    // A screen reader begins at the heading of the new page.
    expect(await focused()).toBe('Products');
    await tabTo(/^New product$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'New product' }).waitFor();
    await page.keyboard.type('KEYS');
    await page.keyboard.press('Tab');
    await page.keyboard.type('3');
    await page.keyboard.press('Tab');
    await page.keyboard.type('By keyboard');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'By keyboard' }).waitFor();

    await tabTo(/^Restock$/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type('2');
    // The focus stays in the dialog, and goes back to what opened it.
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab');
      const isWithin =
        "document.activeElement === document.body || !!document.activeElement.closest('dialog')";
      expect(await page.evaluate(isWithin)).toBe(true);
    }
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toBe('Restock');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type('2');
    await page.keyboard.press('Enter');
    await page.getByText('2 units more of By keyboard.').waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('has the theme that the reader chose, also the next time', async () => {
    const visitor = await visit(browser, service.url, { colorScheme: 'light' });
    const { page } = visitor;
    const ground = () =>
      page.evaluate(
        'getComputedStyle(document.documentElement).backgroundColor',
      ) as Promise<string>;
    await visitor.open('');
    const light = await ground();
    await page.getByRole('button', { name: /^Theme/ }).click();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    expect(await ground()).toBe(dark);
    await visitor.close();
  });
});
