import { z } from 'zod';
import { PaymentProblem } from '../../payments/payments.js';
import { InvalidSignature, UnreadableEvent } from '../../payments/stripe-events.js';
import type { SignedEndpoint } from '../endpoint.js';
import { toPaymentProblem } from '../orders/payment-problems.js';
import { Problem } from '../problem.js';

/** What the payment provider says. It is known by its signature, and sent again until it is 200. */
export const stripeWebhook: SignedEndpoint = {
  path: '/api/webhooks/stripe',
  operationId: 'receiveStripeEvent',
  summary: 'What Stripe says of payments',
  description:
    'For Stripe alone: the body as it came is checked against `Stripe-Signature`. What is said twice, or in another order than it happened, has one effect.',
  tag: 'Checkout and orders',
  signatureHeader: 'Stripe-Signature',
  replies: {
    200: {
      description: 'It was taken.',
      schema: z
        .strictObject({
          received: z.literal(true),
          duplicate: z
            .boolean()
            .meta({ description: 'It had come before, and had no effect now.' }),
        })
        .meta({ id: 'WebhookReceived' }),
    },
  },
  problems: ['malformed_json', 'invalid_signature', 'body_too_large', 'payments_not_configured'],
  async handle({ core, bytes, signature }) {
    try {
      const { duplicate } = await core.payments.receive({ bytes, signature });
      return { status: 200, body: { received: true, duplicate } };
    } catch (error) {
      throw toProblem(error);
    }
  },
};

function toProblem(error: unknown): unknown {
  if (error instanceof PaymentProblem) return toPaymentProblem(error);
  if (error instanceof InvalidSignature) {
    return new Problem(
      'invalid_signature',
      'The signature fits none of the secrets in STRIPE_WEBHOOK_SECRET, or is older than 5 minutes.',
      { cause: error },
    );
  }
  if (error instanceof UnreadableEvent) {
    return new Problem('malformed_json', 'The body is no event that can be read.', {
      cause: error,
    });
  }
  return error;
}
