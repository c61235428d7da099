import nodemailer from 'nodemailer';
import type { QueuedMail } from '../persistence/mails.js';

/** A mail that the server did not take. */
export class MailRefused extends Error {
  /** whether it will not take it later either */
  readonly isForGood: boolean;

  constructor(message: string, isForGood: boolean) {
    super(message);
    this.name = 'MailRefused';
    this.isForGood = isForGood;
  }
}

/** Hands mail to a server. */
export interface MailTransport {
  /** Throws a MailRefused. */
  send(mail: QueuedMail): Promise<void>;
}

const CONNECT_MS = 10_000;
const SILENCE_MS = 15_000;
/** in all, however slowly the server goes on */
const SEND_MS = 40_000;

export function smtpTransport({ url, from }: { url: string; from: string }): MailTransport {
  const transport = nodemailer.createTransport({
    url,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return {
    async send(mail) {
      let late: NodeJS.Timeout | undefined;
      const tooLong = new Promise<never>((_, reject) => {
        const error = new Error(`the server did not take it within ${SEND_MS / 1000} s`);
        late = setTimeout(() => reject(error), SEND_MS);
      });
      const sent = transport.sendMail({
        // As objects: an address is never read as more than one.
        from: { name: '', address: from },
        to: { name: '', address: mail.recipient },
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        // The same where it is sent again, so that a repeat is known.
        messageId: `<${mail.messageId}.${mail.id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      try {
        await Promise.race([sent, tooLong]);
      } catch (error) {
        throw asRefusal(error);
      } finally {
        clearTimeout(late);
      }
    },
  };
}

function asRefusal(error: unknown): MailRefused {
  const { message, code, responseCode } = Object(error) as {
    message?: unknown;
    code?: unknown;
    responseCode?: unknown;
  };
  // A login that is refused is about our settings, and not about this mail.
  const isRefusal = typeof responseCode === 'number' && responseCode >= 500 && code !== 'EAUTH';
  // An address that is none.
  const isNoAddress = code === 'EENVELOPE' && responseCode === undefined;
  return new MailRefused(String(message), isRefusal || isNoAddress);
}
