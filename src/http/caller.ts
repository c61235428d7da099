import type { Role } from '../domain/api-key.js';
import { Problem } from './problem.js';

/** Who makes a request, and in which store. */
export interface Caller {
  /** the token's `sub`, or `key:<id>` */
  readonly sub: string;
  readonly role: Role;
  readonly storeId: number;
  /** ms since 1970 at which its token ends; null: it has a key, which ends when it is revoked */
  readonly signedInUntilMs: number | null;
}

/** Those who act for anyone in their store. */
export const BACK_OFFICE: readonly Role[] = ['admin', 'reseller', 'service'];
export const ANYONE: readonly Role[] = ['admin', 'reseller', 'service', 'customer'];
export const ADMIN: readonly Role[] = ['admin'];

/** The user whose rows alone a caller may touch; null where it may act for anyone in the store. */
export function ownerOf(caller: Caller): string | null {
  return caller.role === 'customer' ? caller.sub : null;
}

/**
 * The user that a request is about: a customer itself, else whom it names, or null where it names
 * nobody. Throws 403 where a customer names another one.
 */
export function userFor(caller: Caller, named: string | null | undefined): string | null {
  const owner = ownerOf(caller);
  if (owner === null) return named ?? null;
  if (named !== undefined && named !== null && named !== owner) {
    throw new Problem('forbidden', 'A customer may name only itself as user_id.');
  }
  return owner;
}
