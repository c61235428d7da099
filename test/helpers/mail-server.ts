import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** A mail as a server got it. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** header lines, unfolded, by their names in small letters */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly html: string;
  readonly raw: string;
}

/** A real SMTP server on loopback. */
export interface MailServer {
  readonly url: string;
  readonly mails: ReceivedMail[];
  /** times that somebody wanted to leave a mail */
  readonly attempts: number;
  /** What it answers to a recipient from now on: an SMTP status, or null to take mail. */
  refuse(status: number | null): void;
  stop(): Promise<void>;
}

export async function startMailServer(): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  let refusal: number | null = null;
  let attempts = 0;
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo(_address, _session, done) {
      attempts++;
      if (refusal === null) return done();
      done(Object.assign(new Error('not you'), { responseCode: refusal }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        const to = rcptTo.map(({ address }) => address);
        mails.push({ from, to, ...parse(Buffer.concat(chunks).toString('utf8')) });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    get attempts() {
      return attempts;
    },
    refuse(status) {
      refusal = status;
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

function parse(raw: string): Omit<ReceivedMail, 'from' | 'to'> {
  const headers = headersOf(raw);
  const [, boundary = ''] = /boundary="([^"]+)"/.exec(headers.get('content-type') ?? '') ?? [];
  const parts = raw.split(`--${boundary}`).slice(1, -1);
  const part = (type: string) => {
    const found = parts.find((one) =>
      headersOf(one.trimStart()).get('content-type')?.startsWith(type),
    );
    return found === undefined ? '' : bodyOf(found.trimStart()).replaceAll('\r\n', '\n');
  };
  return { headers, text: part('text/plain'), html: part('text/html'), raw };
}

function headersOf(part: string): Map<string, string> {
  const [head = ''] = part.split('\r\n\r\n');
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  return new Map(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
}

function bodyOf(part: string): string {
  const body = part.slice(part.indexOf('\r\n\r\n') + 4);
  switch (headersOf(part).get('content-transfer-encoding')) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('utf8');
    case 'quoted-printable': {
      const bytes = body
        .replace(/=\r\n/g, '')
        .replace(/=([0-9A-F]{2})/g, (_, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        );
      return Buffer.from(bytes, 'latin1').toString('utf8');
    }
    default:
      return body;
  }
}
