import type { PaymentProblem } from '../../payments/payments.js';
import { Problem } from '../problem.js';

/** What a caller is told who gets no payment. */
export function toPaymentProblem(problem: PaymentProblem): Problem {
  const { order } = problem;
  const facts = order ? { order_id: order.id } : {};
  switch (problem.code) {
    case 'not_configured':
      return new Problem(
        'payments_not_configured',
        'Payments are not set up: STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET are needed for them.',
        { headers: { 'Retry-After': '60' } },
      );
    case 'refused':
      return new Problem(
        'payment_provider_failed',
        'The payment provider refused the payment. The order failed, and its units are free again.',
        { facts, cause: problem },
      );
    case 'uncertain':
      return new Problem(
        'payment_provider_failed',
        'The payment provider did not answer, and whether there is a payment is not known yet. ' +
          'With the same Idempotency-Key it is safe to send again; a new checkout of the cart takes its place.',
        { facts, cause: problem },
      );
    case 'under_way':
      return new Problem(
        'idempotency_in_progress',
        'This checkout is still under way. Send the request again later.',
        { facts, headers: { 'Retry-After': '2' }, cause: problem },
      );
    case 'over':
      return new Problem(
        'invalid_transition',
        `The order is ${order?.status ?? 'over'} and can not be paid any more. Check out anew.`,
        { facts: { ...facts, order_status: order?.status, action: 'pay' }, cause: problem },
      );
  }
}
