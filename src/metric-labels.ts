import type { BatchObserver } from './actors/run-batch.js';
import type { CommandKind } from './domain/command.js';
import type { RefusalCode } from './domain/refusal.js';

/** The values of those labels that are a fixed set. A value that is missing here does not compile. */

export const COMMAND_KINDS = keysOf<CommandKind>({
  create_products: true,
  publish: true,
  unpublish: true,
  update: true,
  rent: true,
  cancel: true,
  complete: true,
  release_units: true,
  reserve: true,
  take_off_hold: true,
  extend: true,
  confirm: true,
  release: true,
  confirm_cart: true,
  release_cart: true,
  sell: true,
  add_to_cart: true,
  remove_from_cart: true,
  restock: true,
  adjust: true,
  expire: true,
  start_cleanup: true,
  finish_cleanup: true,
  create_order: true,
  attach_payment: true,
  attend_order: true,
  settle_order: true,
  cancel_order: true,
  expire_order: true,
  note_payment_event: true,
  create_api_key: true,
  revoke_api_key: true,
  create_event_ticket: true,
  create_webhook_endpoint: true,
  update_webhook_endpoint: true,
  delete_webhook_endpoint: true,
  disable_webhook_endpoint: true,
  retry_webhook_delivery: true,
  tell_overdue: true,
  start_sync: true,
  sync: true,
});

export const COMMAND_OUTCOMES = ['accepted', 'refused', 'replayed', 'failed'] as const;

export const REFUSAL_CODES = keysOf<RefusalCode>({
  not_available: true,
  out_of_stock: true,
  insufficient_stock: true,
  quantity_below_committed: true,
  invalid_transition: true,
  product_not_found: true,
  rental_not_found: true,
  reservation_not_found: true,
  cart_item_not_found: true,
  webhook_endpoint_not_found: true,
  order_not_found: true,
  reservation_expired: true,
  extension_limit_reached: true,
  hold_limit_reached: true,
  webhook_endpoint_limit_reached: true,
  forbidden: true,
  not_found: true,
  sku_taken: true,
  version_mismatch: true,
  validation_failed: true,
  idempotency_key_reused: true,
});

type FaultMet = Parameters<BatchObserver['retried']>[0];

/** All but those that no repeat mends. */
export const RETRY_CAUSES = keysOf<Exclude<FaultMet, 'rejected' | 'overloaded'>>({
  conflict: true,
  clash: true,
  connection_lost: true,
  unwritable: true,
  commit_unknown: true,
});

export const COMMIT_FATES = keysOf<Parameters<BatchObserver['commitResolved']>[0]>({
  committed: true,
  rolled_back: true,
  unknown: true,
});

export const DRIFT_ACTIONS = ['found', 'repaired'] as const;

function keysOf<T extends string>(values: Readonly<Record<T, true>>): readonly T[] {
  return Object.keys(values) as T[];
}
