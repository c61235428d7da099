/** Why a command could not be carried out just now. */
export type UnavailableReason =
  | 'mailbox_full'
  | 'waited_too_long'
  | 'shutting_down'
  | 'no_connection'
  | 'database'
  | 'outcome_unknown';

/**
 * The service can't carry a command out now; the same request may be sent again. Nothing was done,
 * save with `outcome_unknown`: there a repeat is only safe with the same idempotency key.
 */
export class Unavailable extends Error {
  readonly reason: UnavailableReason;

  constructor(reason: UnavailableReason, cause?: unknown) {
    super(`unavailable: ${reason}`, { cause });
    this.name = 'Unavailable';
    this.reason = reason;
  }
}
