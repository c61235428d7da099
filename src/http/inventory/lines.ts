import type { Core } from '../../core.js';
import type { Caller } from '../caller.js';
import type { RefusalSpelling } from '../problem.js';
import { toProductRef } from '../schemas.js';

/** A line of a request, with its product as it was named. */
interface NamedLine {
  readonly variantId: string | number;
  readonly quantity: number;
}

/** No product has this id: the command names the line in its refusal, with all that fall short. */
const NO_PRODUCT = 0;

/** Lines with the ids of their products; an id is not looked up, the lock will find it or not. */
export function withProductIds<T extends NamedLine>(
  core: Core,
  caller: Caller,
  lines: readonly T[],
): Promise<(T & { productId: number })[]> {
  return Promise.all(
    lines.map(async (line) => {
      const ref = toProductRef(line.variantId);
      const productId =
        typeof ref === 'number'
          ? ref
          : ((await core.products.find(caller.storeId, ref))?.id ?? NO_PRODUCT);
      return { ...line, productId };
    }),
  );
}

/** How a refusal names the lines of a list. */
export function spellingOf(list: string, lines: readonly NamedLine[]): RefusalSpelling {
  return {
    list,
    line: (index) => {
      const { variantId, quantity: requested } = lineAt(lines, index);
      return { variantId, requested };
    },
  };
}

/** The line that an answer is about: there is one for each, in order. */
export function lineAt<T>(lines: readonly T[], index: number): T {
  const line = lines[index];
  if (!line) throw new Error(`the answer has a line ${index} that the request has not`);
  return line;
}
