import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import {
  DESK,
  describeInBrowser,
  launchBrowser,
  overflow,
  PHONE,
  seriousIssues,
  type Visit,
  visit,
} from '../helpers/browser.js';
import { type Service, startService } from '../helpers/service.js';

jest.setTimeout(180_000);

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
  let visitor: Visit;

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
    visitor = await visit(browser, service.url);
  });
  afterEach(() => {
    expect(visitor.complaints).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  it.each(PAGES)(
    '%s: axe finds no serious issue, light or dark, and it is no wider than a phone or a desk',
    async (_name, path) => {
      const { page } = visitor;
      await page.setViewportSize(DESK);
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await visitor.open(path);
      await visitor.settled();
      expect(await overflow(page)).toBe(0);
      expect(await seriousIssues(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      expect(await seriousIssues(page)).toEqual([]);
      await page.setViewportSize(PHONE);
      await visitor.settled();
      expect(await overflow(page)).toBe(0);
      expect(await seriousIssues(page)).toEqual([]);
    },
  );

  it.each(['light', 'dark'] as const)(
    'the sign-in and a dialog: axe finds no serious issue, %s',
    async (colorScheme) => {
      const signedOut = await visit(browser, service.url, { colorScheme, as: null });
      await signedOut.open('');
      expect(await seriousIssues(signedOut.page)).toEqual([]);
      expect(signedOut.complaints).toEqual([]);
      await signedOut.close();
      const { page } = visitor;
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await visitor.open('/products/1');
      await visitor.button('Edit').click();
      await visitor.dialog().waitFor();
      expect(await seriousIssues(page)).toEqual([]);
    },
  );

  it('can be used by keyboard alone', async () => {
    const { page } = visitor;
    await page.setViewportSize(DESK);
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
    await page.locator('#page:focus').waitFor();

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
  });

  it('has the theme that the reader chose, also the next time', async () => {
    const { page } = visitor;
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    const ground = () =>
      page.evaluate(
        'getComputedStyle(document.documentElement).backgroundColor',
      ) as Promise<string>;
    const shown = (theme: string) => page.locator(`html[data-theme=${theme}]`).waitFor();
    await visitor.open('');
    const light = await ground();
    await page.getByRole('button', { name: /^Theme/ }).click();
    await shown('light');
    await visitor.button('Theme: light').click();
    await shown('dark');
    await visitor.button('Theme: dark').waitFor();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await visitor.button('Theme: dark').waitFor();
    await shown('dark');
    expect(await ground()).toBe(dark);
  });
});
