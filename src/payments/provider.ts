import type { Order } from '../domain/order.js';
import type { PaymentEvent, PaymentNews } from '../domain/payment-news.js';

/** A payment that the provider has made for an order. */
export interface MadePayment {
  readonly paymentIntentId: string | null;
  readonly sessionId: string | null;
  /** what the buyer's browser pays an intent with; never stored */
  readonly clientSecret: string | null;
  /** where the buyer pays a session */
  readonly url: string | null;
}

/** A message of the provider's, with what it says of a payment; null where that is nothing. */
export interface ProviderEvent extends PaymentEvent {
  readonly said: { readonly news: PaymentNews; readonly orderId: string | null } | null;
}

/** Who takes the money. Its calls are made outside every transaction. */
export interface PaymentProvider {
  /**
   * Makes the payment of an order. Asked again for the same order it returns the same payment.
   * Throws PaymentRefused or PaymentUncertain.
   */
  make(order: Order): Promise<MadePayment>;
  /** What became of an order's payment; null while the buyer may still pay. Throws the same. */
  ask(order: Order): Promise<PaymentNews | null>;
  /** Ends an order's payment, where it is not too late, and says what became of it. Throws the same. */
  end(order: Order): Promise<PaymentNews>;
}

/** The provider surely did not do what was asked, and says why. */
export class PaymentRefused extends Error {
  constructor(reason: string, cause: unknown) {
    super(reason, { cause });
    this.name = 'PaymentRefused';
  }
}

/** Whether the provider did what was asked is not known. */
export class PaymentUncertain extends Error {
  /** somebody else is asking for the same at this moment */
  readonly isUnderWay: boolean;

  constructor(isUnderWay: boolean, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'PaymentUncertain';
    this.isUnderWay = isUnderWay;
  }
}
