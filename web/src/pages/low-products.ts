import { useEffect, useState } from 'preact/hooks';
import { withQuery } from '../api/client';
import { UNTOLD, useAsk } from '../api/hooks';
import type { LiveEvent, LowLevel, Page, Product } from '../api/types';
import { type Paged, usePaged } from '../ui/paging';

export const concernsProducts = ({ type }: LiveEvent) => type.startsWith('product.');

interface Known {
  /** the page that the rows are of */
  readonly page: number;
  readonly rows: readonly Product[];
}

/**
 * The products that are low, or out, oldest first, page by page: which they are says the inventory,
 * and what they are the list of products.
 */
export function useLowProducts(isAsked: boolean, limit: number): Paged<Product> {
  const low = usePaged<LowLevel>(
    isAsked ? withQuery('/api/inventory/alerts/low-stock', { limit }) : null,
    concernsProducts,
  );
  const ids = low.rows.map(({ variantId }) => variantId);
  const asked = useAsk<Page<Product>>(
    ids.length === 0 ? null : withQuery('/api/products', { limit, ids: ids.join(',') }),
    concernsProducts,
    UNTOLD,
  );
  // The page before stays until the one that is turned to is there.
  const [known, setKnown] = useState<Known>({ page: 0, rows: [] });
  const { page } = low;
  useEffect(() => {
    if (asked.data) setKnown({ page, rows: [...asked.data.data].sort((a, b) => a.id - b.id) });
  }, [asked.data, page]);
  const isEmpty = low.data !== null && ids.length === 0;
  const rows = isEmpty ? [] : known.rows;
  const reload = () => {
    low.reload();
    asked.reload();
  };
  return {
    ...low,
    data: isEmpty || rows.length > 0 ? { data: rows, next_cursor: null } : null,
    rows,
    page: isEmpty ? page : known.page,
    error: low.error ?? asked.error,
    isLoading: low.isLoading || asked.isLoading,
    reload,
    onPage: (to) => (to === page ? reload() : low.onPage(to)),
  };
}
