import type { z } from 'zod';
import type { Core } from '../../core.js';
import { sentenceOf } from '../../domain/sentences.js';
import type { Caller } from '../caller.js';
import { parseFields } from '../field-errors.js';
import { NewProductBody, type ProductsValidReply } from './schemas.js';

type ProductError = z.infer<typeof ProductsValidReply>['errors'][number];

/**
 * What is wrong with each product of a list, in order: its fields as a request that makes it would
 * be told, a SKU that is taken or stands in the list already, a parent that there is not.
 */
export async function errorsOf(
  core: Core,
  { storeId }: Pick<Caller, 'storeId'>,
  products: readonly unknown[],
): Promise<ProductError[]> {
  const skus = new Set<string>();
  const errors = await Promise.all(
    products.map(async (product, index): Promise<ProductError[]> => {
      const checked = parseFields(NewProductBody, product);
      if ('errors' in checked) {
        return checked.errors.map((error) => ({ index, ...error, code: 'validation_failed' }));
      }
      const { sku, parent_id: parent } = checked.data;
      const isTwice = skus.has(sku);
      skus.add(sku);
      const [same, itsParent] = await Promise.all([
        isTwice ? null : core.products.find(storeId, sku),
        parent === null ? null : core.products.find(storeId, parent),
      ]);
      const found: ProductError[] = [];
      if (isTwice || same) {
        const message = isTwice
          ? `stands in the list already: ${sku}`
          : sentenceOf({ code: 'sku_taken', sku });
        found.push({ index, field: 'sku', code: 'sku_taken', message });
      }
      if (parent !== null && !itsParent) {
        const message = `There is no product ${parent} to be the parent.`;
        found.push({ index, field: 'parent_id', code: 'product_not_found', message });
      }
      return found;
    }),
  );
  return errors.flat();
}
