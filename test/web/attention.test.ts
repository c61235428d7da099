import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { describeInBrowser, launchBrowser, type Visit, visit } from '../helpers/browser.js';
import { createDatabase, type TestDatabase } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';
import { answer, type Receiver, startReceiver } from '../helpers/webhook-receiver.js';

jest.setTimeout(120_000);

const SETTINGS = { WEBHOOK_ALLOW_PRIVATE: 'true', WEBHOOK_RETRY_SCHEDULE: '0.1' };
const DAYS_AGO = '2020-01-01 00:00:00.000';

describeInBrowser('what needs attention', () => {
  let on: TestDatabase;
  let service: Service;
  let receiver: Receiver;
  let browser: Browser;
  let admin: Client;
  let visitor: Visit;
  let made = 0;

  beforeAll(async () => {
    on = await createDatabase('sqlite');
    service = await startService(on, SETTINGS);
    receiver = await startReceiver();
    browser = await launchBrowser();
    admin = service.client();
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
    await receiver.stop();
    await on.drop();
  });
  beforeEach(async () => {
    visitor = await visit(browser, service.url);
  });
  afterEach(async () => {
    const { complaints } = visitor;
    await visitor.close();
    expect(complaints).toEqual([]);
  });

  const attention = () => visitor.region('Needs attention');
  const makeProduct = async (quantity: number): Promise<number> => {
    const product = { sku: `P-${++made}`, name: `Product P-${made}`, quantity, publish: true };
    return (await admin.post('/api/products', product)).body.id;
  };
  const rent = (product_id: number) => admin.post('/api/rentals', { product_id });

  it('is a webhook endpoint that fails, until it is switched off, and then as well', async () => {
    receiver.behave('/broken', answer(500));
    const endpoint = { url: `${receiver.url}/broken`, events: ['rental.*'] };
    const { id } = (await admin.post('/api/webhook-endpoints', endpoint)).body;
    const product = await makeProduct(10);
    await visitor.open('');
    await visitor.said('Live');
    expect(await attention().getByText('webhook').count()).toBe(0);
    await rent(product);
    const name = `The webhook to ${new URL(receiver.url).host}`;
    await attention().getByText(`${name} is failing since`).waitFor();

    await service.rows.run(
      `UPDATE webhook_endpoints SET failing_since = '${DAYS_AGO}' WHERE id = '${id}'`,
    );
    await rent(product);
    await attention().getByText(`${name} is switched off: it took nothing for a day`).waitFor();
    await admin.delete(`/api/webhook-endpoints/${id}`);
    await rent(product);
    await attention().getByText(name).waitFor({ state: 'detached' });
  });

  it('is a webhook endpoint that says that it is gone', async () => {
    receiver.behave('/gone', answer(410));
    const endpoint = { url: `${receiver.url}/gone`, events: ['rental.*'] };
    const { id } = (await admin.post('/api/webhook-endpoints', endpoint)).body;
    await visitor.open('');
    await visitor.said('Live');
    await rent(await makeProduct(3));
    await attention().getByText('is switched off: it answered that it is gone').waitFor();
    await admin.delete(`/api/webhook-endpoints/${id}`);
  });

  it('is drift that was found, until it is repaired, and what is overdue', async () => {
    const spoilt = [await makeProduct(3), await makeProduct(3)];
    await visitor.open('');
    await visitor.said('Live');
    await attention().getByRole('link', { name: 'Drift was never looked for' }).waitFor();
    await service.rows.run(
      `UPDATE products SET quantity = 2, quantity_available = 2 WHERE id IN (${spoilt.join(', ')})`,
    );
    // A look at one product says nothing of the others.
    await admin.post(`/api/products/${await makeProduct(1)}/sync-quantity?dry_run=true`);
    await admin.post('/api/products/sync-quantities?dry_run=true');
    await attention().getByText('2 products drifted, not repaired').waitFor();
    await attention()
      .getByText(/looked at for drift .*: 2 products had drifted\.$/)
      .waitFor();
    await admin.post(`/api/products/${spoilt[0]}/sync-quantity`);
    await attention().getByRole('link', { name: '1 product drifted, not repaired' }).click();
    await visitor.heading('Drift').waitFor();
    await admin.post(`/api/products/${spoilt[1]}/sync-quantity`);
    const late = { ends_at: new Date(Date.now() - 1_000), starts_at: new Date(Date.now() - 9_000) };
    await admin.post('/api/rentals', { product_id: spoilt[0], ...late });
    await visitor.link('Now').click();
    await attention().getByRole('link', { name: '1 rental overdue' }).waitFor();
    await attention().getByText('not repaired').waitFor({ state: 'detached' });
  });

  it('is not said to be nothing where it could not be looked at', async () => {
    let isAway = true;
    const title = 'The database is away';
    await visitor.page.route('**/api/orders?*', (route) =>
      isAway ? route.fulfill({ status: 503, json: { title } }) : route.continue(),
    );
    await visitor.open('');
    await attention().getByText(`Orders to refund could not be looked at: ${title}`).waitFor();
    expect(await attention().getByText('Nothing needs attention').count()).toBe(0);
    isAway = false;
    await attention().getByRole('alert').waitFor({ state: 'detached' });
    visitor.forgive(/status of 503/);
  });

  it('is shown anew after the service was away: the page says so, and goes on by itself', async () => {
    const product = await makeProduct(2);
    await visitor.open(`/products/${product}`);
    await visitor.said('Live');
    await visitor.figure('Out', 0);
    await service.stop();
    await visitor.said(/Connection lost/);
    service = await startService(on, { ...SETTINGS, PORT: new URL(service.url).port });
    await rent(product);
    await visitor.figure('Out', 1);
    await visitor.page.locator('.live.live').waitFor();
    await rent(product);
    await visitor.figure('Out', 2);
    // Until it was there again the browser said that nobody answered, or that it was starting.
    visitor.forgive(/ERR_(CONNECTION|EMPTY)_|status of 503|WebSocket connection to/);
  });
});
