import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isPublicAddress, wrongWithUrl } from '../../src/webhooks/addresses.js';
import { createPoster } from '../../src/webhooks/post.js';
import { answer, hang, type Receiver, startReceiver } from '../helpers/webhook-receiver.js';

const PRIVATE = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.9.9.9'],
  ...['169.254.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1'],
  ...['192.168.1.1', '198.18.0.1', '198.51.100.7', '203.0.113.7', '224.0.0.1', '239.1.2.3'],
  ...['240.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12::1'],
  ...['fec0::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:a9fe:a9fe', '::7f00:1'],
  ...['64:ff9b::7f00:1', '64:ff9b:1::1', '100::1', '2001::1', '2001:db8::1', '2002:7f00:1::'],
  ...['', 'example.com', '1.2.3', '1.2.3.4.5'],
];
const PUBLIC = ['1.1.1.1', '8.8.8.8', '100.128.0.1', '172.32.0.1', '192.0.1.1', '223.255.255.255'];
const PUBLIC_V6 = ['2001:4860:4860::8888', '2606:4700:4700::1111', '2a00:1450:4001:81b::200e'];

describe('an address', () => {
  it.each(PRIVATE)('%s is private', (address) => expect(isPublicAddress(address)).toBe(false));
  it.each([...PUBLIC, ...PUBLIC_V6])('%s is public', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );
});

describe('the URL of an endpoint', () => {
  it.each([
    ['https://127.0.0.1/', 'must not lead to a private address'],
    ['https://2130706433/', 'must not lead to a private address'],
    ['https://0x7f.1/', 'must not lead to a private address'],
    ['https://017700000001/', 'must not lead to a private address'],
    ['https://127.0.0.1./', 'must not lead to a private address'],
    ['https://[::1]:8443/', 'must not lead to a private address'],
    ['https://[::ffff:10.0.0.1]/', 'must not lead to a private address'],
    ['https://169.254.169.254/latest/meta-data', 'must not lead to a private address'],
    ['https://localhost/', 'must not lead to a private address'],
    ['https://LOCALHOST./', 'must not lead to a private address'],
    ['https://api.localhost:3000/', 'must not lead to a private address'],
    ['https://user:secret@example.com/', 'must not contain a user or a password'],
    ['https://user@example.com/', 'must not contain a user or a password'],
    ['http://example.com/', 'must be an https URL'],
    ['ftp://example.com/', 'must be an https URL'],
    ['file:///etc/passwd', 'must be an https URL'],
    ['example.com', 'must be a URL'],
  ])('%s: %s', (url, message) => expect(wrongWithUrl(url, { allowPrivate: false })).toBe(message));

  it.each(['https://example.com/hooks?a=b', 'https://example.com:8443', 'https://1.1.1.1/'])(
    '%s is good',
    (url) => expect(wrongWithUrl(url, { allowPrivate: false })).toBeNull(),
  );

  it('may be private and http where that is allowed, but never name a user', () => {
    const check = (url: string) => wrongWithUrl(url, { allowPrivate: true });
    expect(check('http://127.0.0.1:8080/')).toBeNull();
    expect(check('http://a:b@127.0.0.1/')).toBe('must not contain a user or a password');
    expect(check('ftp://127.0.0.1/')).toBe('must be an https or http URL');
  });
});

describe('a request to an address that somebody else chose', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
  });
  afterAll(() => receiver.stop());

  const post = async (
    url: string,
    options: { allowPrivate?: boolean; addresses?: string[]; timeoutMs?: number } = {},
  ) => {
    const { allowPrivate = false, addresses, timeoutMs = 2_000 } = options;
    const poster = createPoster({
      allowPrivate,
      timeoutMs,
      ...(addresses && {
        resolve: async () =>
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      }),
    });
    const signal = new AbortController().signal;
    const posted = await poster.post(url, { headers: {}, body: '{}', signal });
    poster.close();
    return posted;
  };
  const port = () => new URL(receiver.url).port;

  // What the name led to when the endpoint was made does not matter: it is asked for here.
  it.each([
    [['127.0.0.1']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['169.254.169.254']],
    [['1.1.1.1', '127.0.0.1']],
  ])('is not sent where its name leads to %j', async (addresses) => {
    const before = receiver.received.length;
    const posted = await post(`https://public.example:${port()}/`, { addresses });
    expect(posted).toMatchObject({ status: null, error: 'the host has a private address' });
    expect(receiver.received).toHaveLength(before);
  });

  it.each(['https://127.0.0.1', 'https://[::1]', 'https://2130706433', 'https://localhost'])(
    'is not sent to %s, which was let in when that was allowed',
    async (origin) => {
      const posted = await post(`${origin}:${port()}/`);
      expect(posted).toMatchObject({
        status: null,
        error: 'the URL must not lead to a private address',
      });
    },
  );

  it('is not sent by http', async () => {
    const posted = await post(receiver.url.replace('127.0.0.1', 'public.example'), {
      addresses: ['127.0.0.1'],
    });
    expect(posted.error).toBe('the URL must be an https URL');
  });

  it('goes to the address that was checked, whatever the name', async () => {
    const url = `http://anything.example:${port()}/named`;
    const posted = await post(url, { allowPrivate: true, addresses: ['127.0.0.1'] });
    expect(posted).toMatchObject({ status: 204, error: null });
    expect(receiver.on('/named')[0]?.headers.host).toBe(`anything.example:${port()}`);
  });

  it('is given up where no answer comes in time', async () => {
    receiver.behave('/hang', hang);
    const posted = await post(`${receiver.url}/hang`, { allowPrivate: true, timeoutMs: 300 });
    expect(posted).toMatchObject({ status: null, error: 'no answer within 0.3 s' });
    expect(posted.durationMs).toBeLessThan(1_500);
  });

  it('says what went wrong, and never what was answered', async () => {
    receiver.behave('/secret', (_, response) => response.writeHead(500).end('a secret'));
    const failed = await post(`${receiver.url}/secret`, { allowPrivate: true });
    expect(failed).toMatchObject({ status: 500, error: 'answered 500' });
    receiver.behave('/away', answer(302, { Location: '/secret' }));
    const away = await post(`${receiver.url}/away`, { allowPrivate: true });
    expect(away).toMatchObject({ status: 302, error: 'answered 302' });
    const nobody = await post('http://127.0.0.1:9/', { allowPrivate: true });
    expect(nobody).toMatchObject({ status: null, error: expect.stringContaining('ECONNREFUSED') });
  });
});
