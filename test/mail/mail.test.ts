import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startFollower } from '../../src/events/follower.js';
import type { EventMessage } from '../../src/events/told-event.js';
import { createLogger } from '../../src/log.js';
import { MAILER, type MailerOptions, startMailer } from '../../src/mail/mailer.js';
import { mailNotices } from '../../src/mail/notices.js';
import { smtpTransport } from '../../src/mail/transport.js';
import { insertNotices, queueMail } from '../../src/persistence/mails.js';
import { DATABASES } from '../helpers/databases.js';
import { type MailServer, startMailServer } from '../helpers/mail-server.js';
import { eventually, sleep } from '../helpers/recorder.js';
import { type Client, type Service, startService } from '../helpers/service.js';

const FROM = 'availability@shop.example';
const ALERT = 'alerts@shop.example';

describe.each(DATABASES)('mail on %s', (kind) => {
  /** without SMTP_URL: what mails is started here, with a shorter patience */
  let service: Service;
  let admin: Client;
  let server: MailServer;
  let outcomes: string[];
  const running: { stop(): Promise<void> }[] = [];
  let made = 0;
  let events = 1_000_000;

  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
    server = await startMailServer();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
    for (const table of ['mails', 'mail_notices']) await service.rows.run(`DELETE FROM ${table}`);
    server.mails.length = 0;
    server.refuse(null);
  });
  afterAll(async () => {
    await service.stop();
    await server.stop();
  });

  /** Starts mailing; resolves once it follows what happens from now on. */
  async function mail(options: Partial<MailerOptions> = {}): Promise<void> {
    outcomes = [];
    const log = createLogger('silent');
    const parts = { database: service.rows, log };
    running.push(startFollower(mailNotices([ALERT]), parts));
    running.push(
      startMailer(
        {
          ...MAILER,
          collectSeconds: 0.2,
          spacingSeconds: 0,
          pollMs: 50,
          alertEmails: [ALERT],
          ...options,
        },
        {
          ...parts,
          transport: smtpTransport({ url: server.url, from: FROM }),
          observer: { mailTried: (outcome) => void outcomes.push(outcome) },
        },
      ),
    );
    await eventually('it follows', async () => {
      const rows = await service.rows.select("SELECT 1 FROM event_cursors WHERE name = 'mail'");
      return rows.length > 0;
    });
  }
  const comes = (count: number) =>
    eventually(`${count} mails`, () => server.mails.length >= count, 45_000);
  const product = async (fields: object = {}): Promise<number> => {
    const body = { sku: `P-${++made}`, name: 'Tent', quantity: 3, publish: true, ...fields };
    return (await admin.post('/api/products', { low_stock_threshold: 1, ...body })).body.id;
  };
  const rent = (product_id: number, quantity = 1) =>
    admin.post('/api/rentals', { product_id, quantity });
  const to = (address: string) => server.mails.filter(({ to: [first] }) => first === address);
  /** Has it told of an event that nobody else is told of here. */
  const notice = (type: string, data: object) => {
    const message = { id: '1', type, storeId: 1, at: '2026-11-21T05:26:45.167Z', data };
    const event = JSON.stringify(message satisfies Omit<EventMessage, 'type' | 'data'>);
    return insertNotices(service.rows, [{ recipient: ALERT, eventId: ++events, event }]);
  };

  it('tells of stock that gets low, once for the crossing, and its supplier too', async () => {
    await mail();
    const id = await product({ sku: 'TENT-3', supplier_email: 'maker@tents.example' });
    await rent(id, 2);
    await comes(2);
    for (const address of [ALERT, 'maker@tents.example']) {
      const [mail, ...more] = to(address);
      expect(more).toEqual([]);
      expect(mail?.from).toBe(FROM);
      expect(mail?.headers.get('subject')).toBe('Low stock: Tent (TENT-3)');
      expect(mail?.headers.get('from')).toBe(FROM);
      expect(mail?.headers.get('auto-submitted')).toBe('auto-generated');
      for (const body of [mail?.text, mail?.html]) {
        expect(body).toContain('1 of 3 units is free (low at 1)');
      }
    }
    expect(to('maker@tents.example')[0]?.text).toContain('that you supply are running low');
    expect(to(ALERT)[0]?.text).not.toContain('supply');
    // Lower still is no new crossing for either; that it is out is one for us.
    await rent(id);
    await comes(3);
    await sleep(500);
    expect(to('maker@tents.example')).toHaveLength(1);
    expect(to(ALERT).map(({ headers }) => headers.get('subject'))).toEqual([
      'Low stock: Tent (TENT-3)',
      'Out of stock: Tent (TENT-3)',
    ]);
    await eventually('all are written down', () => outcomes.length >= 3);
    expect(outcomes).toEqual(['sent', 'sent', 'sent']);
  });

  it('is one digest where much crosses at once, the gravest first', async () => {
    await mail({ collectSeconds: 4 });
    const ids = await Promise.all(Array.from({ length: 6 }, () => product()));
    for (const id of ids) await rent(id, 2);
    await rent(ids[0] ?? 0, 1);
    await notice('drift.found', { productId: 7, cause: 'counter_changed_outside', dryRun: false });
    await notice('order.refund_required', { id: 'O-1', amount: 1250, currency: 'EUR' });
    await comes(1);
    await sleep(700);
    const [digest, ...more] = server.mails;
    expect(more).toEqual([]);
    expect(digest?.headers.get('subject')).toMatch(/^=\?UTF-8\?/);
    const told = digest?.text.match(/^(Refund|Drift|Out|Low).*\n.*\.(?= Store)/gm);
    expect(told?.slice(0, 2)).toEqual([
      'Refund required: Order O-1\n  give €12.50 back.',
      'Drift: Product 7\n  found and repaired: counter changed outside.',
    ]);
    expect(told?.slice(2).map((one) => one.slice(0, 3))).toEqual(['Out', ...Array(5).fill('Low')]);
    // Of the product that is out, it is not said that it is low as well.
    expect(digest?.html.match(/<tr>/g)).toHaveLength(8);
  });

  it('collects what goes up and down, and says how it ended', async () => {
    await mail({ collectSeconds: 4 });
    const id = await product({ sku: `FLAP-${kind}`, quantity: 1, low_stock_threshold: 0 });
    for (let n = 0; n < 4; n++) {
      const rental = await rent(id);
      await admin.post(`/api/rentals/${rental.body.id}/complete`);
    }
    await comes(1);
    expect(server.mails[0]?.headers.get('subject')).toBe(`Back in stock: Tent (FLAP-${kind})`);
    expect(server.mails[0]?.html.match(/<tr>/g)).toHaveLength(1);
  });

  it('leaves some time between two mails to one recipient', async () => {
    await mail({ spacingSeconds: 5 });
    await rent(await product(), 2);
    await comes(1);
    const sinceMs = performance.now();
    await rent(await product(), 2);
    await rent(await product(), 2);
    await comes(2);
    expect(performance.now() - sinceMs).toBeGreaterThan(1_000);
    expect(server.mails[1]?.text.match(/Low stock/g)).toHaveLength(2);
  });

  it('that is refused for now is tried again, as the same mail', async () => {
    server.refuse(451);
    await mail({ retrySeconds: [0.1, 0.1, 0.1, 5] });
    await rent(await product(), 2);
    await eventually('postponed', () => outcomes.length >= 2);
    server.refuse(null);
    await eventually('sent', () => outcomes.includes('sent'));
    expect(outcomes.slice(-2)).toEqual(['postponed', 'sent']);
    expect(server.mails[0]?.headers.get('message-id')).toMatch(
      /^<event-\d+\.1\..+@shop\.example>$/,
    );
  });

  it('that is refused for good is given up, and holds up no other', async () => {
    server.refuse(550);
    await mail({ retrySeconds: [0.1] });
    await rent(await product(), 2);
    await eventually('given up', () => outcomes.includes('given_up'));
    server.refuse(null);
    await rent(await product(), 2);
    await eventually('the other', () => outcomes.length >= 2);
    expect(outcomes).toEqual(['given_up', 'sent']);
  });

  it('is given up where it was refused for now once too often', async () => {
    server.refuse(421);
    await mail({ retrySeconds: [0.05, 0.05] });
    await rent(await product(), 2);
    await eventually('given up', () => outcomes.includes('given_up'));
    expect(outcomes).toEqual(['postponed', 'postponed', 'given_up']);
  });

  it('escapes what people wrote, and lets nothing into its headers', async () => {
    await mail();
    const name = '<img src=x onerror="alert(1)"> & Söhne\'s 🚲';
    await rent(await product({ name, sku: `X-${kind}` }), 2);
    await comes(1);
    expect(server.mails[0]?.html).toContain(
      '&lt;img src=x onerror=&quot;alert(1)&quot;&gt; &amp; Söhne&#39;s 🚲',
    );
    expect(server.mails[0]?.html).not.toContain('<img');
    expect(server.mails[0]?.text).toContain(name);

    const recipient = `b@shop.example\r\nBcc: c@evil.example`;
    const mailed = { text: 'x', html: '<p>x</p>', subject: 'A\r\nBcc: d@evil.example', name: 'r' };
    await queueMail(service.rows, { ...mailed, recipient: ALERT });
    await queueMail(service.rows, { ...mailed, recipient: 'a@shop.example, b@shop.example' });
    await queueMail(service.rows, { ...mailed, recipient });
    await eventually('all are over', () => outcomes.length >= 4);
    const all = server.mails.flatMap((mail) => mail.to);
    expect(all.filter((address) => address.includes('evil'))).toEqual([]);
    expect(server.mails.flatMap(({ headers }) => [...headers.keys()])).not.toContain('bcc');
    expect(to(ALERT).at(-1)?.headers.get('subject')).toBe('A Bcc: d@evil.example');
  });
});
