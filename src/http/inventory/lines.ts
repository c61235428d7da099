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

/**
 * Makes of each line of a request, and of the id of its product, a line of a command. An id is not
 * looked up: the lock will find it or not.
 */
export function linesOf<T extends NamedLine, Line>(
  parts: { core: Core; caller: Caller },
  lines: readonly T[],
  make: (line: T, productId: number, index: number) => Line,
): Promise<Line[]> {
  const { core, caller } = parts;
  return Promise.all(
    lines.map((line, index) => {
      const ref = toProductRef(line.variantId);
      if (typeof ref === 'number') return make(line, ref, index);
      const found = core.products.find(caller.storeId, ref);
      return found.then((product) => make(line, product?.id ?? NO_PRODUCT, index));
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
