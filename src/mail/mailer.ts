import { type LeasedLoop, startLeasedLoop } from '../events/leased-loop.js';
import type { Logger } from '../log.js';
import type { Database } from '../persistence/database.js';
import {
  deleteNotices,
  type QueuedMail,
  queueMail,
  readDueMail,
  readNotices,
  readRecipients,
  saveMailAttempt,
} from '../persistence/mails.js';
import type { MailOutcome } from '../telling-metrics.js';
import { digestOf } from './digest.js';
import { MailRefused, type MailTransport } from './transport.js';

export interface MailerOptions {
  /** s for which notices are collected, so that many at once are one mail */
  readonly collectSeconds: number;
  /** s between two mails to one recipient: what happens meanwhile is in the next one */
  readonly spacingSeconds: number;
  /** s to wait after each attempt that was refused for now */
  readonly retrySeconds: readonly number[];
  /** who are told of everything; others are told of what they supply */
  readonly alertEmails: readonly string[];
  /** ms between looks */
  readonly pollMs: number;
}

export const MAILER: Omit<MailerOptions, 'alertEmails'> = {
  collectSeconds: 5,
  spacingSeconds: 60,
  retrySeconds: [10, 60, 300, 1_800, 7_200],
  pollMs: 1_000,
};

/** Longer than sending a mail ever takes. */
const LEASE_SECONDS = 60;
const RECIPIENTS_AT_ONCE = 20;
/** rows of a mail; what is left over is in the next one */
const NOTICES_AT_ONCE = 500;

/**
 * Makes mails of notices, and sends what is queued, a mail a turn. One copy of the service does it.
 * A mail that was taken when the process died, before that was written down, is sent again, with the
 * same Message-ID.
 */
export function startMailer(
  options: MailerOptions,
  parts: {
    database: Database;
    transport: MailTransport;
    log: Logger;
    observer: { mailTried(outcome: MailOutcome): void };
  },
): LeasedLoop {
  const { database, transport, log, observer } = parts;

  const writeDigest = async (recipient: string) => {
    const session = await database.begin();
    try {
      const notices = await readNotices(session, { recipient, limit: NOTICES_AT_ONCE });
      const last = notices.at(-1);
      if (last) {
        const isSupplier = !options.alertEmails.includes(recipient);
        await queueMail(session, digestOf(notices, { recipient, isSupplier }));
        await deleteNotices(session, { recipient, upTo: last.eventId });
      }
      await session.commit();
    } catch (error) {
      await session.rollback();
      throw error;
    }
  };

  const sendMail = async (mail: QueuedMail) => {
    const made = { id: mail.id, attempts: mail.attempts + 1 };
    try {
      await transport.send(mail);
    } catch (error) {
      if (!(error instanceof MailRefused)) throw error;
      const seconds = error.isForGood ? undefined : options.retrySeconds[mail.attempts];
      const outcome = seconds === undefined ? 'given_up' : 'postponed';
      await saveMailAttempt(database, {
        ...made,
        state: seconds === undefined ? 'given_up' : 'waiting',
        nextInSeconds: seconds ?? null,
        error: error.message,
      });
      observer.mailTried(outcome);
      const what = { mail_id: mail.id, reason: error.message, attempts: made.attempts };
      if (outcome === 'given_up') log.error(what, 'a mail was refused, and is given up');
      else log.warn({ ...what, retry_seconds: seconds }, 'a mail was refused for now');
      return;
    }
    await saveMailAttempt(database, { ...made, state: 'sent', nextInSeconds: null, error: null });
    observer.mailTried('sent');
  };

  return startLeasedLoop(
    {
      name: 'mailer',
      leaseSeconds: LEASE_SECONDS,
      async turn() {
        const recipients = await readRecipients(database, {
          ...options,
          limit: RECIPIENTS_AT_ONCE,
        });
        for (const recipient of recipients) await writeDigest(recipient);
        const mail = await readDueMail(database);
        if (mail) await sendMail(mail);
        return mail || recipients.length > 0 ? 0 : options.pollMs;
      },
    },
    { database, log },
  );
}
