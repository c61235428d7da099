/** What `promise` resolves to, or `late` where it has not after `ms`. Leaves no timer behind. */
export function within<T, Late>(ms: number, promise: Promise<T>, late: Late): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Late>((resolve) => {
    timer = setTimeout(() => resolve(late), ms);
  });
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer));
}
