import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { describeInBrowser, launchBrowser, type Visit, visit } from '../helpers/browser.js';
import { type Client, type Service, startService, tokenFor } from '../helpers/service.js';

jest.setTimeout(120_000);

describeInBrowser('the dashboard', () => {
  let service: Service;
  let browser: Browser;
  let admin: Client;
  let visitor: Visit;

  beforeAll(async () => {
    service = await startService('sqlite');
    browser = await launchBrowser();
    admin = service.client();
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

  const heading = (name: string) => visitor.heading(name);
  const button = (name: string) => visitor.button(name);
  const field = (name: string) => visitor.field(name);
  const dialog = () => visitor.dialog();
  const said = (text: string | RegExp) => visitor.said(text);
  const figure = (name: string, value: number) => visitor.figure(name, value);

  async function makeProduct(sku: string, quantity: number, more: object = {}): Promise<number> {
    const product = { sku, name: `Name of ${sku}`, quantity, publish: true, ...more };
    return (await admin.post('/api/products', product)).body.id;
  }

  it('signs in with a token, which goes into no address, and ends with the tab', async () => {
    await visitor.close();
    visitor = await visit(browser, service.url, { as: null });
    const { page } = visitor;
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    const token = await tokenFor();

    await visitor.open('/products');
    await field('Token or API key').fill('nonsense');
    await button('Sign in').click();
    await said(/neither a token nor an API key\. A token has three parts/);
    await field('Token or API key').fill(`${token}x`);
    await button('Sign in').click();
    await said('The token is not valid.');
    await field('Token or API key').fill(`Bearer ${token}`);
    await button('Sign in').click();
    await heading('Products').waitFor();
    await said('Live');

    expect(addresses.filter((address) => address.includes(token))).toEqual([]);
    expect(page.url()).toBe(`${service.url}/admin/products`);
    await page.reload();
    await heading('Products').waitFor();
    const other = await visitor.context.newPage();
    await other.goto(`${service.url}/admin`);
    await other.getByLabel('Token or API key').waitFor();
  });

  it('signs in with an API key of a back end', async () => {
    await visitor.close();
    visitor = await visit(browser, service.url, { as: null });
    const { key } = (await admin.post('/api/api-keys', { name: 'k', role: 'reseller' })).body;
    await visitor.open('');
    await field('Token or API key').fill(key);
    await button('Sign in').click();
    await heading('Now').waitFor();
    // What is an admin's is not shown to others.
    expect(await visitor.page.getByRole('link', { name: 'Drift' }).count()).toBe(0);
  });

  it("shows nothing to a customer's token, and says so", async () => {
    await visitor.close();
    visitor = await visit(browser, service.url, { as: null });
    await visitor.open('');
    await field('Token or API key').fill(await tokenFor({ sub: 'ann', role: 'customer' }));
    await button('Sign in').click();
    await said(/This is a customer's token/);
    expect(await visitor.page.getByRole('navigation').count()).toBe(0);
    await visitor.close();
    // Nor where it is what the tab has kept.
    visitor = await visit(browser, service.url, { as: { sub: 'ann', role: 'customer' } });
    await visitor.open('/products');
    await said(/This is a customer's token/);
    expect(await visitor.page.getByRole('navigation').count()).toBe(0);
  });

  it('asks to sign in again where the session ended, and goes on on the same page', async () => {
    const { page } = visitor;
    await visitor.open('/rentals?status=active');
    // Both at once: whatever the page asks in between would find the session ended as well.
    await page.evaluate(
      `sessionStorage.setItem('credentials', JSON.stringify({ secret: 'ended', kind: 'token', storeId: null }));
       document.querySelector('nav a[href$="/products"]').click();`,
    );
    await said(/Your session has ended/);
    await field('Token or API key').fill(await tokenFor());
    await button('Sign in').click();
    await heading('Products').waitFor();
    expect(page.url()).toBe(`${service.url}/admin/products`);
  });

  it('asks to sign in again once a key is revoked, and is back at the same list', async () => {
    await visitor.close();
    visitor = await visit(browser, service.url, { as: null });
    const { page } = visitor;
    await makeProduct('REVOKED', 3);
    const { id } = (await admin.post('/api/rentals', { product_id: 'REVOKED' })).body;
    await admin.post(`/api/rentals/${id}/complete`);
    await admin.post('/api/rentals', { product_id: 'REVOKED' });
    const made = (await admin.post('/api/api-keys', { name: 'k', role: 'reseller' })).body;
    await visitor.open('/rentals?product=REVOKED');
    await field('Token or API key').fill(made.key);
    await button('Sign in').click();
    const row = (status: string) =>
      page.getByRole('row', { name: new RegExp(`REVOKED.*${status}`) });
    await row('active').waitFor();
    await row('completed').waitFor();
    await field('Status').selectOption('completed');
    await row('active').waitFor({ state: 'detached' });
    await admin.delete(`/api/api-keys/${made.id}`);
    await page.reload();
    await said(/Your session has ended/);
    await field('Token or API key').fill(await tokenFor());
    await button('Sign in').click();
    await row('completed').waitFor();
    expect(await row('active').count()).toBe(0);
    const { searchParams } = new URL(page.url());
    expect(Object.fromEntries(searchParams)).toEqual({ status: 'completed', product: 'REVOKED' });
    expect(await field('Status').inputValue()).toBe('completed');
  });

  it('makes a product, and says what is wrong beside the field, in the words of the API', async () => {
    const { page } = visitor;
    await visitor.open('/products');
    await page.getByRole('link', { name: 'New product' }).click();
    await field('SKU').fill('12345');
    await field('Name').fill('Cargo bike');
    await field('Units owned').fill('two');
    await field('Currency').fill('euro');
    await button('Make the product').click();
    await visitor.wrong('Units owned', /^must be a number$/);
    await visitor.wrong('SKU', 'that would be read as an id');
    await visitor.wrong('Currency', 'must be an ISO 4217 code');
    // The first that is wrong has the focus.
    const id = await field('SKU').getAttribute('id');
    await page.locator(`[id="${id}"]:focus`).waitFor();

    await field('SKU').fill('BIKE-7');
    await field('Units owned').fill('2');
    await field('Currency').fill('');
    await button('Make the product').click();
    await heading('Cargo bike').waitFor();
    await said('Cargo bike was made.');
    const { body } = await admin.get('/api/products/BIKE-7');
    expect(body).toMatchObject({ name: 'Cargo bike', quantity: 2, price_currency: null });

    await page.goto(`${service.url}/admin/products/new`);
    await field('SKU').fill('BIKE-7');
    await field('Name').fill('Another');
    await field('Units owned').fill('1');
    await button('Make the product').click();
    await said('Another product of this store has the SKU BIKE-7.');
  });

  it('changes by itself when somebody else rents the last unit', async () => {
    const id = await makeProduct('LAST-UNIT', 1);
    await visitor.open(`/products/${id}`);
    await said('Live');
    await figure('Free', 1);
    expect(await visitor.page.locator('.machine .lit').getAttribute('data-state')).toBe(
      'available',
    );
    await service.client({ sub: 'ann', role: 'customer' }).post('/api/rentals', { product_id: id });
    await figure('Free', 0);
    await figure('Out', 1);
    await visitor.page.locator('.machine .lit[data-state=rented_out]').waitFor();
    await said(/1 unit · ann/);
    await visitor.page.getByRole('cell', { name: 'rent', exact: true }).waitFor();
  });

  it('shows the figures of now, and changes them as they change', async () => {
    const { page } = visitor;
    const before = (await admin.get('/api/overview')).body.units.quantity_rented;
    await visitor.open('');
    await figure('Out', before);
    await makeProduct('NOW', 3);
    await admin.post('/api/rentals', { product_id: 'NOW', quantity: 2 });
    await figure('Out', before + 2);
    await page.getByRole('img', { name: /The last half hour/ }).waitFor();
  });

  it('lists what is low, what is out first, and leads to all of it', async () => {
    await makeProduct('LOW-A', 5, { low_stock_threshold: 4 });
    await makeProduct('LOW-B', 3, { low_stock_threshold: 3 });
    await makeProduct('LOW-C', 2, { low_stock_threshold: 2 });
    await makeProduct('LOW-D', 9, { low_stock_threshold: 2 });
    await admin.post('/api/rentals', { product_id: 'LOW-A', quantity: 3 });
    await admin.post('/api/rentals', { product_id: 'LOW-C', quantity: 2 });
    const { page } = visitor;
    await visitor.open('');
    const low = visitor.region('Low, or out');
    await low.getByText('Name of LOW-C').waitFor();
    const rows = await low.getByRole('listitem').allInnerTexts();
    const mine = rows.filter((row) => row.includes('LOW-'));
    expect(mine.map((row) => row.split('\n').map((part) => part.trim()))).toEqual([
      ['Name of LOW-C', '0 of 2 free'],
      ['Name of LOW-A', '2 of 5 free'],
      ['Name of LOW-B', '3 of 3 free'],
    ]);
    await low.getByRole('link', { name: /low, or out$/ }).click();
    await heading('Products').waitFor();
    for (const sku of ['LOW-A', 'LOW-B', 'LOW-C']) await page.getByLabel(`Choose ${sku}`).waitFor();
    expect(await page.getByLabel('Choose LOW-D').count()).toBe(0);
    expect(await field('Status').inputValue()).toBe('low');
    // One that is not low any more leaves the list by itself.
    await admin.post('/api/inventory/restock', {
      updates: [{ variantId: 'LOW-B', quantity: 5, reason: 'delivery' }],
    });
    await page.getByLabel('Choose LOW-B').waitFor({ state: 'detached' });
  });

  it('restocks, adjusts by count and edits', async () => {
    const id = await makeProduct('SHELF', 4);
    await visitor.open(`/products/${id}`);
    await button('Restock').click();
    await dialog().getByLabel('Units more').fill('0');
    await dialog().getByRole('button', { name: 'Restock' }).click();
    await dialog().getByText('must be at least 1').waitFor();
    await dialog().getByLabel('Units more').fill('3');
    await dialog().getByRole('button', { name: 'Restock' }).click();
    await said('3 units more of Name of SHELF.');
    await figure('Owned', 7);

    await button('Adjust by count').click();
    await dialog().getByLabel('Units counted on the shelf').fill('5');
    await dialog().getByLabel('Reason').fill('two broke');
    await dialog().getByRole('button', { name: 'Adjust' }).click();
    await said('2 units fewer of Name of SHELF.');
    await figure('Owned', 5);
    await said('two broke');

    await button('Edit').click();
    await dialog().getByLabel('Low at or below so many free units').fill('2');
    await dialog().getByLabel('Name').fill('Shelf');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await heading('Shelf').waitFor();
    expect((await admin.get(`/api/products/${id}`)).body.low_stock_threshold).toBe(2);
  });

  it('adds units once where the answer was lost and it is sent again', async () => {
    const id = await makeProduct('ONCE', 4);
    const { page } = visitor;
    let isLost = true;
    await page.route('**/api/inventory/restock', async (route) => {
      const response = await route.fetch();
      if (!isLost) return route.fulfill({ response });
      isLost = false;
      return route.fulfill({ status: 503, json: { detail: 'What came of it is not known.' } });
    });
    await visitor.open(`/products/${id}`);
    await button('Restock').click();
    await field('Units more').fill('3');
    await dialog().getByRole('button', { name: 'Restock' }).click();
    await dialog().getByText('What came of it is not known.').waitFor();
    await dialog().getByRole('button', { name: 'Restock' }).click();
    await said('3 units more of Name of ONCE.');
    expect((await admin.get(`/api/products/${id}`)).body.quantity).toBe(7);
    // Another amount is another request, also where the answer to the first was lost.
    isLost = true;
    await button('Restock').click();
    await field('Units more').fill('2');
    await dialog().getByRole('button', { name: 'Restock' }).click();
    await dialog().getByText('What came of it is not known.').waitFor();
    await field('Units more').fill('1');
    await dialog().getByRole('button', { name: 'Restock' }).click();
    await said('1 unit more of Name of ONCE.');
    expect((await admin.get(`/api/products/${id}`)).body.quantity).toBe(10);
    visitor.forgive(/status of 503/);
  });

  it('says which of several products can not be restocked, and restocks none', async () => {
    await makeProduct('FULL-1', 1);
    await makeProduct('FULL-2', 999_999_999);
    await visitor.open('/products?q=full-');
    await visitor.page.getByLabel('Choose FULL-1').check();
    await visitor.page.getByLabel('Choose FULL-2').check();
    await button('Restock').click();
    await field('Units more of each').fill('nine');
    await dialog().getByRole('button', { name: 'Restock' }).click();
    await visitor.wrong('Units more of each', /^must be a number$/);
    await field('Units more of each').fill('2');
    await dialog().getByRole('button', { name: 'Restock' }).click();
    await visitor.wrong('Units more of each', /^Name of FULL-2: must leave the product/);
    expect((await admin.get('/api/products/FULL-1')).body.quantity).toBe(1);
  });

  it('says what is wrong with a change beside its field, and changes nothing', async () => {
    const id = await makeProduct('WRONG', 4);
    await admin.post('/api/rentals', { product_id: id, quantity: 3 });
    await visitor.open(`/products/${id}`);
    const send = (name: string) => dialog().getByRole('button', { name }).click();
    const cancel = () => dialog().getByRole('button', { name: 'Cancel' }).click();
    await button('Adjust by count').click();
    for (const [typed, words] of [
      ['five', 'must be a number'],
      ['1.5', 'must be a number'],
      ['-1', 'must be at least 0'],
      ['', 'must be a number'],
    ] as const) {
      await field('Units counted on the shelf').fill(typed);
      await send('Adjust');
      await visitor.wrong('Units counted on the shelf', words);
    }
    await field('Units counted on the shelf').fill('1');
    await field('Reason').fill('x'.repeat(600));
    await send('Adjust');
    await visitor.wrong('Reason', /must have at most/);
    await cancel();

    await button('Edit').click();
    await field('Low at or below so many free units').fill('few');
    await field('Price of one unit').fill('-5');
    await field("Supplier's email").fill('nobody');
    await field('Name').fill('');
    await send('Save');
    await visitor.wrong('Low at or below so many free units', 'must be a number');
    await visitor.wrong('Price of one unit', 'must be at least 0');
    await visitor.wrong("Supplier's email", /must be/);
    await visitor.wrong('Name', /must/);
    await cancel();
    await button('Edit').click();
    await field('Units owned').fill('2');
    await send('Save');
    await visitor.wrong('Units owned', /3/);
    expect((await admin.get(`/api/products/${id}`)).body).toMatchObject({
      ...{ name: 'Name of WRONG', quantity: 4, low_stock_threshold: null },
    });

    await visitor.open('/products?q=wrong');
    await visitor.page.getByLabel('Choose WRONG').check();
    await button('Threshold').click();
    await field('Low at or below so many free units').fill('few');
    await send('Change');
    await visitor.wrong('Low at or below so many free units', 'must be a number');
    await field('Low at or below so many free units').fill('3');
    await send('Change');
    await said('1 product changed.');
    expect((await admin.get(`/api/products/${id}`)).body.low_stock_threshold).toBe(3);
  });

  it('does not undo a change of the units owned that somebody else made meanwhile', async () => {
    const id = await makeProduct('MEANWHILE', 4);
    await visitor.open(`/products/${id}`);
    await button('Edit').click();
    await dialog().getByLabel('Units owned').fill('5');
    await admin.patch(`/api/products/${id}`, { quantity: 9 });
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog()
      .getByText(/The product is at version/)
      .waitFor();
    expect((await admin.get(`/api/products/${id}`)).body.quantity).toBe(9);
  });

  it('publishes, restocks and unpublishes several products at once', async () => {
    for (const n of [1, 2, 3]) await makeProduct(`SEVERAL-${n}`, 1, { publish: false });
    const { page } = visitor;
    await visitor.open('/products?q=several');
    const choose = async () => {
      await page.getByLabel('Choose all on this page').check();
      await said('3 products chosen');
    };
    await page.getByLabel('Choose SEVERAL-3').waitFor();
    await choose();
    await button('Publish').click();
    await said('3 products published.');
    await choose();
    await button('Restock').click();
    await dialog().getByLabel('Units more of each').fill('4');
    await dialog().getByRole('button', { name: 'Restock' }).click();
    await said('3 products restocked.');
    await choose();
    await button('Unpublish').click();
    await dialog().getByRole('button', { name: 'Unpublish' }).click();
    await said('3 products unpublished.');
    const { data } = (await admin.get('/api/products?q=several')).body;
    for (const product of data) {
      expect(product).toMatchObject({ quantity: 5, availability_status: 'draft' });
    }
  });

  it('imports a file, and says what is wrong with it before anything changes', async () => {
    await makeProduct('TAKEN', 1);
    const { page } = visitor;
    const csv = [
      'sku,name,quantity,colour',
      'CSV-1,"Tent, for two",3,red',
      'CSV-2,Tent for four,many,blue',
      'TAKEN,Taken already,1,',
      'CSV-1,Twice,1,',
      'CSV-3,"Broken,1,',
      'CSV-4,Lamp,0,',
    ].join('\r\n');
    await visitor.open('/products/import');
    const file = { name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) };
    await field('File').setInputFiles(file);
    await said('2 products can be made, 4 lines can not.');
    const rows = await page
      .getByRole('region', { name: 'Lines that can not be taken' })
      .getByRole('row')
      .allInnerTexts();
    expect(rows.slice(1).map((row) => row.split('\t').map((cell) => cell.trim()))).toEqual([
      ['3', 'quantity must be a number'],
      ['4', 'Another product of this store has the SKU TAKEN.'],
      ['5', 'sku CSV-1 stands in line 2 already'],
      ['6', 'its quotes are broken'],
    ]);
    await said(/left out: colour/);
    expect((await admin.get('/api/products?q=csv-')).body.data).toEqual([]);

    await button('Make 2 products, leave 4 lines out').click();
    await said('2 products made.');
    const { data } = (await admin.get('/api/products?q=csv-')).body;
    expect(data).toEqual([
      expect.objectContaining({ sku: 'CSV-1', name: 'Tent, for two', quantity: 3 }),
      expect.objectContaining({ sku: 'CSV-4', availability_status: 'rented_out' }),
    ]);
  });

  it('completes and cancels a rental, releases and extends a hold, and asks before', async () => {
    const id = await makeProduct('OUT', 5);
    for (const user_id of ['ann', 'ben'])
      await admin.post('/api/rentals', { product_id: id, user_id });
    for (const cartId of ['cart-a', 'cart-b']) {
      await admin.post('/api/reservations', { cartId, resellerProductId: id, quantity: 1 });
    }
    const { page } = visitor;
    await visitor.open('/rentals?product=OUT');
    await page.getByRole('button', { name: /^Complete .* of ann/ }).click();
    await dialog().waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    expect((await admin.get(`/api/products/${id}`)).body.quantity_rented).toBe(2);
    await page.getByRole('button', { name: /^Complete .* of ann/ }).click();
    await dialog().getByRole('button', { name: 'Complete' }).click();
    await said('The rental of 1 unit of ann is completed.');
    await page.getByRole('button', { name: /^Cancel .* of ben/ }).click();
    await dialog().getByLabel('Reason').fill('broken');
    await dialog().getByRole('button', { name: 'Cancel the rental' }).click();
    await said('The rental of 1 unit of ben is cancelled.');
    await said('broken');

    await page.getByRole('link', { name: 'Reservations' }).click();
    await page.getByRole('button', { name: 'Extend 1 unit for cart-a' }).click();
    await dialog().getByLabel('Minutes more').fill('100000');
    await dialog().getByRole('button', { name: 'Extend' }).click();
    await dialog().getByText('must be at most 1440').waitFor();
    await dialog().getByLabel('Minutes more').fill('30');
    await dialog().getByRole('button', { name: 'Extend' }).click();
    await said(/1 unit for cart-a: held until/);
    await page.getByRole('button', { name: 'Release 1 unit for cart-b' }).click();
    await dialog().getByRole('button', { name: 'Release' }).click();
    await said('1 unit for cart-b: released.');
    // What has ended does not expire any more.
    const released = page.getByRole('row', { name: /cart-b/ });
    await released.getByText('released').waitFor();
    await released
      .getByText(/\d{4}, \d\d:\d\d$/)
      .first()
      .waitFor();
    expect(await released.textContent()).not.toMatch(/ago|in \d+ min/);
    expect((await admin.get(`/api/products/${id}`)).body).toMatchObject({
      ...{ quantity_available: 4, quantity_reserved: 1, quantity_rented: 0 },
    });
  });

  it('shows that a hold is over at the moment when it is, before anybody has written that down', async () => {
    const id = await makeProduct('SHORT', 1);
    const expiresAt = new Date(Date.now() + 9_000).toISOString();
    const hold = { variantId: id, quantity: 1, reservationId: 'short', expiresAt };
    const held = await admin.post('/api/inventory/reserve', { reservations: [hold] });
    expect(held.status).toBe(200);
    await visitor.open(`/products/${id}`);
    const holds = visitor.region('Holds');
    await holds.getByText(/short · ends in \d s/).waitFor();
    await holds.getByText(/short · ends/).waitFor({ state: 'detached' });
    await figure('Free', 1);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  });

  it('finds drift, shows it as it is and as it will be, and repairs one or all', async () => {
    for (const sku of ['DRIFT-1', 'DRIFT-2', 'DRIFT-3']) {
      const id = await makeProduct(sku, 3);
      await admin.post('/api/rentals', { product_id: id });
      await service.rows.run(
        `UPDATE products SET quantity_available = 3, quantity_rented = 0 WHERE id = ${id}`,
      );
    }
    const { page } = visitor;
    await visitor.open('/drift');
    await button('Look for drift').click();
    await said(/looked at, 3 drifted/);
    const row = page.getByRole('row', { name: /DRIFT-1/ });
    await row.getByText('counter changed outside').waitFor();
    expect(await row.textContent()).toMatch(/3 → 2.*0 → 1/);
    await button('Repair Name of DRIFT-1').click();
    await dialog().getByRole('button', { name: 'Repair' }).click();
    await said('1 product repaired.');
    expect((await admin.get('/api/products/DRIFT-1')).body.quantity_rented).toBe(1);
    expect((await admin.get('/api/products/DRIFT-2')).body.quantity_rented).toBe(0);
    await button('Repair all').click();
    await dialog().getByRole('button', { name: 'Repair' }).click();
    await said('2 products repaired.');
    expect((await admin.get('/api/products/DRIFT-2')).body.quantity_rented).toBe(1);
    await page.getByRole('region', { name: 'Past runs' }).getByText('dry run').first().waitFor();
  });

  it('says that the connection is lost, goes on by asking, and repairs it', async () => {
    const id = await makeProduct('CUT', 2);
    const { page } = visitor;
    await page.addInitScript(`
      window.sockets = [];
      const Original = WebSocket;
      window.WebSocket = class extends Original {
        constructor(...given) { super(...given); window.sockets.push(this); }
      };
    `);
    let isAway = false;
    await page.route('**/api/events/ticket', (route) =>
      isAway ? route.fulfill({ status: 204 }) : route.continue(),
    );
    await visitor.open(`/products/${id}`);
    await said('Live');
    isAway = true;
    await page.evaluate('sockets.at(-1).close()');
    await said(/Connection lost/);
    await admin.post('/api/rentals', { product_id: id });
    await figure('Out', 1);
    isAway = false;
    await page.evaluate("dispatchEvent(new Event('online'))");
    await page.locator('.live.live').waitFor();
    await admin.post('/api/rentals', { product_id: id });
    await figure('Out', 2);
  });
});
