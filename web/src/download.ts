import { ApiError } from './api/client';
import { headersOf, storedCredentials } from './api/credentials';

/** Saves what the API answers as a file. A link could not: the credentials go in a header. */
export async function download(path: string, name: string): Promise<void> {
  const credentials = storedCredentials();
  const response = await fetch(path, { headers: credentials ? headersOf(credentials) : {} });
  if (!response.ok) throw new ApiError(response.status, {});
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it in its own time.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
