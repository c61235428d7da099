import { type Credentials, headersOf, storedCredentials } from './credentials';
import type { FieldError } from './types';

/** An answer that is none of what was hoped for, in the API's own words (RFC 9457). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly FieldError[];

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `The service answered ${status}.`);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code ?? '';
    this.errors = (problem.errors ?? []).filter((error) => typeof error.message === 'string');
  }

  /** Whether nothing more comes of the request; else it may be done, or be under way. */
  get isFinal(): boolean {
    if (this.status < 400 || this.status >= 500) return false;
    return ![408, 429].includes(this.status) && this.code !== 'idempotency_in_progress';
  }

  /** What is said of a field, or of one within it; null where nothing is. */
  about(field: string): string | null {
    const found = this.errors.find(({ field: named }) => named === field);
    return found ? found.message : null;
  }
}

interface Problem {
  readonly title: string;
  readonly detail: string;
  readonly code: string;
  readonly errors: readonly FieldError[];
}

/** No answer at all: the service, or the way to it, is away. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('The service can not be reached just now.', { cause });
    this.name = 'Unreachable';
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface CallOptions {
  readonly body?: unknown;
  /** the version that a change is meant for */
  readonly version?: number;
  /** said again where a request is sent again, so that it has one effect */
  readonly key?: string;
  readonly signal?: AbortSignal;
  readonly credentials?: Credentials;
}

type Listener = () => void;
const expiryListeners = new Set<Listener>();

/** Calls `listener` whenever the API says that nobody is signed in any more. */
export function onExpiry(listener: Listener): () => void {
  expiryListeners.add(listener);
  return () => expiryListeners.delete(listener);
}

/** A request to the API, and its answer read as JSON. Throws an ApiError or Unreachable. */
export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
  return (await readJson(await request(method, path, options))) as T;
}

/** A request to the API, and its answer as it comes. Throws an ApiError or Unreachable. */
export async function request(
  method: Method,
  path: string,
  options: CallOptions = {},
): Promise<Response> {
  const credentials = options.credentials ?? storedCredentials();
  const headers: Record<string, string> = credentials ? headersOf(credentials) : {};
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET') headers['Idempotency-Key'] = options.key ?? newKey();
  if (options.version !== undefined) headers['If-Match'] = `"${options.version}"`;
  const response = await send(path, {
    method,
    headers,
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  if (response.ok) return response;
  const problem = await readJson(response);
  // Signing in is refused with the same status, and is no session that ended.
  if (response.status === 401 && !options.credentials) {
    for (const listener of expiryListeners) listener();
  }
  throw new ApiError(response.status, (problem ?? {}) as Partial<Problem>);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, cache: 'no-store', redirect: 'error' });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable(error);
  }
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(response.status, { detail: `The service answered ${response.status}.` });
  }
}

/** A key for what must not happen twice. `randomUUID` is not there without TLS. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `path?a=1&b=2` with what is neither empty nor null. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | null | undefined>>,
): string {
  const given = Object.entries(query).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  );
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/** What went wrong, as a sentence for whoever looks. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
