import { z } from 'zod';
import { AVAILABILITY_STATUSES } from '../../../machines/product.js';
import { RENTAL_STATUSES } from '../../../machines/rental.js';
import {
  cursorAfterUuid,
  flag,
  foreignId,
  freeText,
  instant,
  line,
  lineUnits,
  pageLimit,
  productRef,
  productRefText,
  takenUnits,
  timestamp,
  units,
  uuidText,
} from '../schemas.js';

export const NewRentalBody = z
  .strictObject({
    product_id: productRef,
    quantity: lineUnits.default(1),
    user_id: foreignId.nullable().optional(),
    starts_at: instant
      .nullable()
      .default(null)
      .meta({ description: 'Not in the future: units are taken now.' }),
    ends_at: instant.nullable().default(null).meta({ description: 'When it is due.' }),
    order_id: foreignId.nullable().default(null),
  })
  .superRefine((rental, context) => {
    if (rental.starts_at === null || rental.ends_at === null) return;
    if (rental.ends_at <= rental.starts_at) {
      context.addIssue({ code: 'custom', path: ['ends_at'], message: 'must be after starts_at' });
    }
  })
  .meta({ id: 'NewRental' });

export const CancelBody = z
  .strictObject({ reason: freeText(500).nullable().default(null) })
  .default({ reason: null });

export const RentalPath = z.strictObject({ rentalId: uuidText });

export const RentalListQuery = z.strictObject({
  product_id: productRefText.optional(),
  user_id: line(200).optional(),
  status: z.enum(RENTAL_STATUSES).optional(),
  overdue: flag.optional(),
  limit: pageLimit,
  cursor: cursorAfterUuid.optional(),
});

export const RentalReply = z
  .strictObject({
    id: z.uuid(),
    store_id: z.int(),
    product_id: z.int(),
    user_id: z.string().nullable(),
    quantity: takenUnits,
    status: z.enum(RENTAL_STATUSES),
    starts_at: timestamp.nullable(),
    ends_at: timestamp.nullable(),
    order_id: z.string().nullable(),
    reservation_id: z.uuid().nullable(),
    created_at: timestamp,
    completed_at: timestamp.nullable(),
    cancelled_at: timestamp.nullable(),
    cancel_reason: z.string().nullable(),
  })
  .meta({ id: 'Rental' });
export type RentalReply = z.infer<typeof RentalReply>;

export const RentalTakenReply = RentalReply.extend({
  quantity_available: units.meta({ description: 'Free units right after it.' }),
  availability_status: z.enum(AVAILABILITY_STATUSES),
}).meta({ id: 'RentalTaken' });
export type RentalTakenReply = z.infer<typeof RentalTakenReply>;
