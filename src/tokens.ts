import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SignJWT } from 'jose';
import type { Config } from './config.js';
import type { Role } from './domain/api-key.js';
import { systemErrorCode } from './system-error.js';

const SECRET_BYTES = 48;

/**
 * The secret that tokens are checked with: JWT_SECRET, or, on loopback alone (the settings see to
 * that), one that is made at the first start and kept beside the embedded database.
 */
export function jwtSecret(config: Config): string | null {
  if (config.jwtSecret !== null || config.jwtJwksUrl !== null) return config.jwtSecret;
  const file = join(
    config.database.dialect === 'sqlite' ? dirname(config.database.file) : './data',
    'jwt-secret',
  );
  mkdirSync(dirname(file), { recursive: true });
  if (!existsSync(file)) makeSecret(file);
  return readFileSync(file, 'utf8');
}

/** Of two copies that start together one makes it, and both find it whole. */
function makeSecret(file: string): void {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, randomBytes(SECRET_BYTES).toString('base64url'), { mode: 0o600 });
  try {
    // Fails where it exists.
    linkSync(own, file);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(own);
  }
}

/** What a token says. */
export interface TokenClaims {
  readonly sub: string;
  readonly role: Role;
  readonly storeId: number;
  readonly issuer: string | null;
  readonly audience: string | null;
  /** seconds from now */
  readonly lifetimeSeconds: number;
}

/** Signs a token with HS256. */
export function signToken(secret: string, claims: TokenClaims): Promise<string> {
  const token = new SignJWT({ role: claims.role, store_id: claims.storeId })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(claims.sub)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + claims.lifetimeSeconds);
  if (claims.issuer !== null) token.setIssuer(claims.issuer);
  if (claims.audience !== null) token.setAudience(claims.audience);
  return token.sign(new TextEncoder().encode(secret));
}
