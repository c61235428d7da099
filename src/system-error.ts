/** The code of an error of the system, like `ENOENT`; null where it is none. */
export function systemErrorCode(error: unknown): string | null {
  // Not by instanceof: the system's errors may come from another realm than this module's Error.
  const isCoded = typeof error === 'object' && error !== null && 'code' in error;
  return isCoded && typeof error.code === 'string' ? error.code : null;
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  const hasMessage = typeof error === 'object' && error !== null && 'message' in error;
  return hasMessage ? String(error.message) : String(error);
}
