import type {
  LineRefusal,
  Reason,
  Refusal,
  RefusalCode,
  ReservationExpired,
} from '../domain/refusal.js';
import { sentenceOf } from '../domain/sentences.js';
import { iso } from './schemas.js';

/** Every code that an error can have, with its status and title. Codes are stable. */
export const PROBLEMS = {
  malformed_json: { status: 400, title: 'The body is no JSON' },
  malformed_request: { status: 400, title: 'The request can not be read' },
  invalid_signature: { status: 400, title: 'Signature not valid' },
  unauthenticated: { status: 401, title: 'Not signed in' },
  forbidden: { status: 403, title: 'Not allowed' },
  product_not_found: { status: 404, title: 'No such product' },
  rental_not_found: { status: 404, title: 'No such rental' },
  reservation_not_found: { status: 404, title: 'No such reservation' },
  order_not_found: { status: 404, title: 'No such order' },
  cart_item_not_found: { status: 404, title: 'No such line in the cart' },
  webhook_endpoint_not_found: { status: 404, title: 'No such webhook endpoint' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  out_of_stock: { status: 409, title: 'Out of stock' },
  insufficient_stock: { status: 409, title: 'Not enough units' },
  not_available: { status: 409, title: 'Not available' },
  invalid_transition: { status: 409, title: 'Not possible any more' },
  reservation_expired: { status: 409, title: 'Hold expired' },
  extension_limit_reached: { status: 409, title: 'Extended as long as may be' },
  hold_limit_reached: { status: 409, title: 'Too many holds' },
  webhook_endpoint_limit_reached: { status: 409, title: 'Too many webhook endpoints' },
  quantity_below_committed: { status: 409, title: 'Units are out' },
  sku_taken: { status: 409, title: 'SKU taken' },
  idempotency_in_progress: { status: 409, title: 'Still under way' },
  version_mismatch: { status: 412, title: 'Changed meanwhile' },
  body_too_large: { status: 413, title: 'Body too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  validation_failed: { status: 422, title: 'Validation failed' },
  idempotency_key_reused: { status: 422, title: 'Idempotency key used for another request' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Internal error' },
  payment_provider_failed: { status: 502, title: 'The payment provider failed' },
  overloaded: { status: 503, title: 'Overloaded' },
  database_unavailable: { status: 503, title: 'Database unavailable' },
  payments_not_configured: { status: 503, title: 'Payments are not set up' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

// A refusal of the core without a row in the table does not compile.
type Unlisted = Exclude<RefusalCode, ProblemCode>;
const everyRefusalIsListed: Unlisted extends never ? true : never = true;
void everyRefusalIsListed;

interface ProblemDetails {
  /** facts that a caller may need, as extension members */
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error answer: RFC 9457, plus `code`. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  /** `detail` is a sentence for the caller. */
  constructor(code: ProblemCode, detail: string, details: ProblemDetails = {}) {
    super(detail, { cause: details.cause });
    this.name = 'Problem';
    this.code = code;
    this.facts = details.facts ?? {};
    this.headers = details.headers ?? {};
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** The body; `instance` says which occurrence it is about. Facts are spelled as the surface is. */
  body(
    instance: string,
    spelling: 'snake_case' | 'camelCase' = 'snake_case',
  ): Record<string, unknown> {
    const { status, title } = PROBLEMS[this.code];
    const { code, message } = this;
    const facts = spelling === 'camelCase' ? camelCased(this.facts) : this.facts;
    // The members of every problem win over facts of the same name.
    return {
      ...facts,
      type: `urn:problem:${code}`,
      title,
      status,
      detail: message,
      instance,
      code,
    };
  }
}

/** Facts with their names in camelCase, those in lists as well. */
function camelCased(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      Array.isArray(value)
        ? value.map((item) => (isRecord(item) ? camelCased(item) : item))
        : value,
    ]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** How a surface spells what is named in a refusal. */
export interface RefusalSpelling {
  /** what the request calls its list of lines: a field that is wrong in one is named with it */
  readonly list?: string;
  /**
   * how the request named the product of a line: a member for `errors`. A request that has no lines
   * leaves it out, and is told of its one product without a list.
   */
  readonly line?: LineSpelling;
}

type LineSpelling = (index: number) => Record<string, unknown>;

/** The problem that a refusal of the core is on the wire. */
export function problemOf(
  refusal: Refusal,
  details: ProblemDetails & RefusalSpelling = {},
): Problem {
  const { line, list, ...rest } = details;
  const { lines, ...reason } = refusal;
  const facts = factsOf(reason);
  const errors = line && lines?.flatMap((short) => errorsOf(short, { line, list }));
  return new Problem(reason.code, sentenceOf(reason), {
    ...rest,
    facts: errors ? { ...facts, errors } : facts,
  });
}

/** A line that falls short, or each field that is wrong in it, named as those of a body are. */
function errorsOf(
  { index, reason, available }: LineRefusal,
  { line, list }: { line: LineSpelling; list: string | undefined },
): Record<string, unknown>[] {
  const { code } = reason;
  const named = { index, ...line(index) };
  if (code !== 'validation_failed') {
    // What the reason itself says of its product in all its lines is more exact.
    return [{ ...named, available, ...factsOf(reason), code, message: sentenceOf(reason) }];
  }
  const prefix = list === undefined ? '' : `${list}[${index}].`;
  return reason.errors.map(({ field, message }) => ({
    ...named,
    code,
    field: `${prefix}${field}`,
    message,
  }));
}

function factsOf(reason: Reason): Record<string, unknown> {
  const { code: _, ...facts } = reason;
  if (reason.code === 'extension_limit_reached') return { limit_at: iso(reason.limitAt) };
  if (reason.code === 'reservation_expired') return expiredFacts(reason);
  if (reason.code !== 'invalid_transition') return facts;
  // `status` is the HTTP status in a problem.
  if ('status' in reason) return { rental_status: reason.status, action: reason.action };
  if ('reservationStatus' in reason) {
    return { reservation_status: reason.reservationStatus, action: reason.action };
  }
  if ('inCart' in reason) return { in_cart: reason.inCart, requested: reason.requested };
  return facts;
}

/** Of a whole cart: each hold that is over. */
function expiredFacts({ code, expired }: ReservationExpired): Record<string, unknown> {
  if (!expired) return {};
  return {
    errors: expired.map(({ reservationId, productId, expiredAt }) => ({
      reservation_id: reservationId,
      reseller_product_id: productId,
      expired_at: iso(expiredAt),
      code,
      message: sentenceOf({ code }),
    })),
  };
}
