import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { describeInBrowser, launchBrowser, type Visit, visit } from '../helpers/browser.js';
import { openShop, type Shop } from '../payments/setup.js';

jest.setTimeout(120_000);

describeInBrowser('orders in the dashboard', () => {
  let shop: Shop;
  let browser: Browser;
  let visitor: Visit;
  let bike: { id: number; name: string };

  beforeAll(async () => {
    shop = await openShop('sqlite');
    browser = await launchBrowser();
    bike = await shop.product({ quantity: 50, name: 'Cargo bike' });
  });
  afterAll(async () => {
    await browser.close();
    await shop.stop();
  });
  beforeEach(async () => {
    visitor = await visit(browser, shop.service.url);
  });
  afterEach(async () => {
    const { complaints } = visitor;
    await visitor.close();
    expect(complaints).toEqual([]);
  });

  const order = (cartId: string, quantity = 1) => shop.intent(bike.id, quantity, { cartId });
  const paid = async (cartId: string) => {
    const made = await order(cartId);
    await shop.say(shop.stripe.pay(made.paymentIntentId));
    return made;
  };
  const row = (cartId: string) =>
    visitor.page.getByRole('row').filter({ has: visitor.page.getByText(cartId, { exact: true }) });
  const is = (cartId: string, status: string) =>
    row(cartId).getByText(status, { exact: true }).waitFor();
  const gone = (cartId: string) => row(cartId).waitFor({ state: 'detached' });
  const narrow = (status: string) => visitor.field('Status').selectOption(status);

  it('are listed with what they are for and what they cost, and narrowed to a state', async () => {
    await order('waits', 2);
    await paid('is-paid');
    const declined = await order('is-declined');
    await shop.say(shop.stripe.decline(declined.paymentIntentId, 'Your card was declined.'));
    await visitor.open('/orders');
    await is('waits', 'pending');
    expect(await row('waits').textContent()).toMatch(/2 × Cargo bike.*€25\.00/);
    await is('is-paid', 'confirmed');
    await row('is-declined').getByText('Your card was declined.').waitFor();

    await narrow('confirmed');
    await gone('waits');
    await is('is-paid', 'confirmed');
    expect(visitor.page.url()).toContain('status=confirmed');
    await narrow('refunded');
    await visitor.said('There is no such order.');
    await visitor.page.reload();
    await visitor.said('There is no such order.');
    await narrow('');
    await is('waits', 'pending');
    await visitor.link('Cargo bike').first().click();
    await visitor.heading('Cargo bike').waitFor();
  });

  it('change on the page by themselves as they are paid', async () => {
    const made = await order('watched');
    await visitor.open('/orders');
    await visitor.said('Live');
    await is('watched', 'pending');
    await shop.say(shop.stripe.pay(made.paymentIntentId));
    await is('watched', 'confirmed');
    await order('comes-later');
    await shop.say(shop.stripe.refund(made.paymentIntentId));
    await is('watched', 'refunded');
    await is('comes-later', 'pending');
  });

  it('are cancelled once that is confirmed: a pending one gives its holds back', async () => {
    await order('changes-mind', 4);
    const { held } = await shop.level(bike.id);
    await visitor.open('/orders?status=pending');
    await visitor.button('Cancel the order of changes-mind').click();
    await visitor.dialog().getByText('Its holds are given back.').waitFor();
    await visitor.dialog().getByRole('button', { name: 'Close' }).click();
    await visitor.dialog().waitFor({ state: 'detached' });
    expect((await shop.level(bike.id)).held).toBe(held);

    await visitor.button('Cancel the order of changes-mind').click();
    await visitor.field('Reason').fill('x'.repeat(600));
    await visitor.button('Cancel the order').click();
    await visitor.wrong('Reason', /must have at most/);
    await visitor.field('Reason').fill('bought elsewhere');
    await visitor.button('Cancel the order').click();
    await visitor.said('The order of changes-mind is cancelled.');
    await gone('changes-mind');
    expect((await shop.level(bike.id)).held).toBe(held - 4);
    await narrow('cancelled');
    await is('changes-mind', 'cancelled');
    expect(await row('changes-mind').getByRole('button').count()).toBe(0);
  });

  it('have to be refunded where they were paid, and stand among what needs attention until then', async () => {
    const { paymentIntentId } = await paid('sent-back');
    const { out } = await shop.level(bike.id);
    const { page } = visitor;
    await visitor.open('');
    await visitor.said('Live');
    const attention = visitor.region('Needs attention');
    expect(await attention.getByText('to refund').count()).toBe(0);

    const keeper = await visit(browser, shop.service.url);
    await keeper.open('/orders?status=confirmed');
    await keeper.button('Cancel the order of sent-back').click();
    await keeper
      .dialog()
      .getByText(/it has to be refunded/)
      .waitFor();
    await keeper.button('Cancel the order').click();
    await keeper.said('The order of sent-back is refund required.');
    expect((await shop.level(bike.id)).out).toBe(out - 1);
    expect(keeper.complaints).toEqual([]);
    await keeper.close();

    // Whoever looks on sees it without a key pressed.
    await attention.getByRole('link', { name: '1 order to refund' }).click();
    await visitor.heading('Orders').waitFor();
    await is('sent-back', 'refund required');
    expect(await page.getByRole('row').count()).toBe(2);
    await shop.say(shop.stripe.refund(paymentIntentId));
    await gone('sent-back');
    await visitor.link('Now').click();
    await visitor.heading('Now').waitFor();
    await attention.getByText('to refund').waitFor({ state: 'detached' });
  });

  it('can be looked at by a reseller, and not cancelled', async () => {
    await order('not-yours');
    await visitor.close();
    visitor = await visit(browser, shop.service.url, { as: { sub: 'rick', role: 'reseller' } });
    await visitor.open('/orders?status=pending');
    await is('not-yours', 'pending');
    expect(await visitor.page.getByRole('button', { name: /^Cancel/ }).count()).toBe(0);
  });
});
