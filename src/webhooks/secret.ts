import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { WebhookSecrets } from '../domain/webhook-endpoint.js';

const SECRET_BYTES = 32;

/** A new secret as Standard Webhooks writes it: `whsec_` and base64. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** The headers of Standard Webhooks; while a secret is being replaced, both sign. */
export function signedHeaders(
  message: { readonly id: string; readonly body: string },
  { secret, previousSecret, previousSecretUntil }: WebhookSecrets,
  now = new Date(),
): Record<string, string> {
  const isPreviousGood = previousSecretUntil !== null && previousSecretUntil > now.getTime();
  const secrets = [secret, ...(previousSecret !== null && isPreviousGood ? [previousSecret] : [])];
  const signatures = secrets.map((one) => new Webhook(one).sign(message.id, now, message.body));
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': signatures.join(' '),
  };
}
