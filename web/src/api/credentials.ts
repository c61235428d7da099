/** What somebody signed in with. It lives as long as the tab, and never stands in an address. */
export interface Credentials {
  readonly secret: string;
  readonly kind: 'token' | 'key';
  /** for a token of several stores */
  readonly storeId: string | null;
}

const PLACE = 'credentials';
/** `<id>.<secret>`: an API key. A token has three parts. */
const API_KEY = /^[0-9a-f-]{36}\.[\w-]+$/;

/** The compact form of a JWT: three parts, of which the last is its signature. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** What is wrong with the form of what was pasted, before anybody is asked; null: nothing. */
export function wrongFormOf({ secret }: Credentials): string | null {
  if (secret === '') return 'Paste a token or an API key.';
  if (API_KEY.test(secret) || TOKEN.test(secret)) return null;
  return (
    'This is neither a token nor an API key. A token has three parts with dots between them ' +
    '(eyJ….eyJ….…), an API key an id, a dot and a secret. Paste all of it, and nothing else.'
  );
}

/** Takes a token or a key as it was pasted, with or without `Bearer`. */
export function toCredentials(pasted: string, storeId: string): Credentials {
  const secret = pasted.trim().replace(/^Bearer\s+/i, '');
  const store = storeId.trim();
  return {
    secret,
    kind: API_KEY.test(secret) ? 'key' : 'token',
    storeId: store === '' ? null : store,
  };
}

export function storedCredentials(): Credentials | null {
  const text = sessionStorage.getItem(PLACE);
  return text === null ? null : (JSON.parse(text) as Credentials);
}

export function storeCredentials(credentials: Credentials | null): void {
  if (credentials) sessionStorage.setItem(PLACE, JSON.stringify(credentials));
  else sessionStorage.removeItem(PLACE);
}

export function headersOf({ secret, kind, storeId }: Credentials): Record<string, string> {
  return {
    ...(kind === 'key' ? { 'X-Api-Key': secret } : { Authorization: `Bearer ${secret}` }),
    ...(storeId === null ? {} : { 'X-Store-Id': storeId }),
  };
}
