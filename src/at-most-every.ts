/**
 * Calls `read` at most once in `ms`; in between, and while a call is under way, everybody gets what
 * the last one gave. A call that failed is not remembered.
 */
export function atMostEvery<T>(ms: number, read: () => Promise<T>): () => Promise<T> {
  let last: { readonly value: Promise<T>; readonly atMs: number } | null = null;
  return () => {
    if (last && performance.now() - last.atMs < ms) return last.value;
    const value = read();
    last = { value, atMs: performance.now() };
    value.catch(() => {
      last = null;
    });
    return value;
  };
}
