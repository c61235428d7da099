import { z } from 'zod';
import { ORDER_STATUSES } from '../../../machines/order.js';
import { RENTAL_STATUSES } from '../../../machines/rental.js';
import { RESERVATION_STATUSES } from '../../../machines/reservation.js';
import {
  cartName,
  cursorAfterUuid,
  freeText,
  LIST_LINES_MAX,
  lineUnits,
  pageLimit,
  productRef,
  takenUnits,
  timestamp,
  uuidText,
} from '../schemas.js';

/** As many as a provider's metadata and a browser's address line take with ease. */
const URL_LENGTH_MAX = 2_000;

const minorUnits = z.int().min(0).meta({ description: 'Minor units of the currency, like cents.' });

const Item = z.strictObject({
  productId: productRef,
  quantity: lineUnits,
  unitAmount: minorUnits.nullable().default(null).meta({
    description:
      "For one unit, in minor units; from `admin` and `service` only. Left out: the product's price.",
  }),
});

const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/, 'must be a currency of three letters, like EUR')
  .transform((code) => code.toUpperCase());

const checkout = {
  cartId: cartName,
  items: z.array(Item).min(1).max(LIST_LINES_MAX),
  currency: currency
    .nullable()
    .default(null)
    .meta({ description: 'ISO 4217. Where it is given, the prices must be in it.' }),
  customerEmail: z
    .email()
    .max(254)
    .nullable()
    .default(null)
    .meta({ description: 'Where the provider sends its receipt.' }),
};

const returnUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(URL_LENGTH_MAX);

export const NewPaymentIntentBody = z.strictObject(checkout).meta({ id: 'NewPaymentIntent' });
export const NewSessionBody = z
  .strictObject({
    ...checkout,
    successUrl: returnUrl.meta({ description: 'Where the buyer goes who has paid.' }),
    cancelUrl: returnUrl.meta({ description: 'Where the buyer goes who has not.' }),
  })
  .meta({ id: 'NewCheckoutSession' });
export type CheckoutBody = z.infer<typeof NewPaymentIntentBody>;

export const OrderPath = z.strictObject({ orderId: uuidText });
export const OrderListQuery = z.strictObject({
  status: z.enum(ORDER_STATUSES).optional(),
  limit: pageLimit,
  cursor: cursorAfterUuid.optional(),
});
export const CancelOrderBody = z
  .strictObject({ reason: freeText(500).nullable().default(null) })
  .default({ reason: null });

const HeldLineReply = z
  .strictObject({
    id: z.uuid(),
    productId: z
      .union([z.int(), z.string()])
      .meta({ description: 'As the request named the product.' }),
    sku: z.string(),
    quantity: takenUnits.meta({ description: 'Units that the cart holds of the product.' }),
    status: z.enum(RESERVATION_STATUSES),
    expiresAt: timestamp,
  })
  .meta({ id: 'CheckoutReservation' });

const made = {
  orderId: z.uuid(),
  status: z.literal('pending'),
  amount: minorUnits,
  currency: z.string(),
  expiresAt: timestamp.meta({ description: 'When the hold on the units ends.' }),
  reservations: z.array(HeldLineReply).meta({ description: 'One for each line.' }),
};

export const PaymentIntentReply = z
  .strictObject({
    ...made,
    paymentIntentId: z.string(),
    clientSecret: z
      .string()
      .nullable()
      .meta({ description: 'What the browser pays with. Shown once: null in a repeat.' }),
  })
  .meta({ id: 'PaymentIntent' });
export const SessionReply = z
  .strictObject({
    ...made,
    sessionId: z.string(),
    url: z.string().nullable().meta({ description: 'Where the buyer pays.' }),
  })
  .meta({ id: 'CheckoutSession' });

const OrderRentalReply = z
  .strictObject({
    id: z.uuid(),
    productId: z.int(),
    userId: z.string().nullable(),
    quantity: takenUnits,
    status: z.enum(RENTAL_STATUSES),
    reservationId: z.uuid().nullable(),
    createdAt: timestamp,
    completedAt: timestamp.nullable(),
    cancelledAt: timestamp.nullable(),
    cancelReason: z.string().nullable(),
  })
  .meta({ id: 'OrderRental' });

export const OrderReply = z
  .strictObject({
    id: z.uuid(),
    cartId: z.string(),
    status: z.enum(ORDER_STATUSES),
    amount: minorUnits,
    currency: z.string(),
    items: z.array(
      z.strictObject({
        productId: z.int(),
        sku: z.string(),
        name: z.string(),
        quantity: lineUnits,
        unitAmount: minorUnits,
        reservationId: z.uuid(),
        rentalId: z.uuid().nullable(),
      }),
    ),
    customerId: z.string().nullable(),
    paymentIntentId: z.string().nullable(),
    sessionId: z.string().nullable(),
    failureReason: z.string().nullable(),
    rentals: z.array(OrderRentalReply),
    expiresAt: timestamp.meta({ description: 'When the hold on its units ends, or ended.' }),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Order' });
export type OrderReply = z.infer<typeof OrderReply>;
