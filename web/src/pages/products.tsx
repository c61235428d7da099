import { useState } from 'preact/hooks';
import { withQuery } from '../api/client';
import { UNTOLD } from '../api/hooks';
import type { Product } from '../api/types';
import { counted, formatMoney, formatNumber } from '../format';
import { hrefOf } from '../router';
import { useFilters } from '../ui/filters';
import { Choice, Field } from '../ui/form';
import { PagedTable } from '../ui/paged-table';
import { usePaged } from '../ui/paging';
import { Link, PageTitle, Status, UnitsBar } from '../ui/parts';
import { concernsProducts, useLowProducts } from './low-products';
import { BulkActions } from './products-bulk';

const ROWS = 50;
const STATUSES = [
  ['', 'Any status'],
  ['available', 'Available'],
  ['rented_out', 'Rented out'],
  ['low', 'Low, or out'],
  ['draft', 'Draft'],
] as const;
type Sort = 'id' | '-id' | 'sku' | '-sku' | 'name' | '-name';
const SORTS: readonly (readonly [Sort, string])[] = [
  ['-id', 'Newest first'],
  ['id', 'Oldest first'],
  ['name', 'Name, A to Z'],
  ['-name', 'Name, Z to A'],
  ['sku', 'SKU, A to Z'],
  ['-sku', 'SKU, Z to A'],
];

const optionIn = <T extends string>(options: readonly (readonly [T, string])[], text: string) =>
  options.find(([value]) => value === text)?.[0];

/** All products of the store: searched, sorted, and changed several at once. */
export function Products({ query }: { query: URLSearchParams }) {
  const { typed, asked, set } = useFilters(query, ['q', 'status', 'sort']);
  const status = optionIn(STATUSES, asked.status) ?? '';
  const sort = optionIn(SORTS, asked.sort) ?? '-id';
  const shownStatus = optionIn(STATUSES, typed.status) ?? '';
  const isLowShown = shownStatus === 'low' && typed.q.trim() === '';
  const [chosen, setChosen] = useState<ReadonlyMap<number, Product>>(new Map());

  const isLow = status === 'low' && asked.q === '';
  const base = withQuery('/api/products', {
    limit: ROWS,
    q: asked.q,
    status: status === 'low' ? null : status,
    // A search has an order of its own.
    sort: asked.q === '' ? sort : null,
  });
  const any = usePaged<Product>(isLow ? null : base, concernsProducts, UNTOLD);
  const low = useLowProducts(isLow, ROWS);
  const list = isLow ? low : any;
  const all = list.rows.length > 0 && list.rows.every(({ id }) => chosen.has(id));
  const choose = (products: readonly Product[], isChosen: boolean) =>
    setChosen((before) => {
      const after = new Map(before);
      for (const product of products) {
        if (isChosen) after.set(product.id, product);
        else after.delete(product.id);
      }
      return after;
    });

  return (
    <>
      <PageTitle title="Products">
        <a class="button" href={hrefOf('/products/import')}>
          Import CSV
        </a>
        <a class="button primary" href={hrefOf('/products/new')}>
          New product
        </a>
      </PageTitle>
      <search class="filters row">
        <Field
          label="Search"
          type="search"
          value={typed.q}
          // What is low can not be searched.
          onValue={(q) => set({ q, ...(shownStatus === 'low' ? { status: '' } : {}) })}
          placeholder="SKU or name begins with …"
        />
        <Choice
          label="Status"
          value={shownStatus}
          options={STATUSES}
          onValue={(value) =>
            set({ status: value, ...(value === 'low' ? { q: '', sort: '' } : {}) })
          }
        />
        {!isLowShown && (
          <Choice
            label="Order"
            value={optionIn(SORTS, typed.sort) ?? '-id'}
            options={SORTS}
            onValue={(value) => set({ sort: value === '-id' ? '' : value, q: '' })}
          />
        )}
      </search>
      {chosen.size > 0 && (
        <BulkActions
          products={[...chosen.values()]}
          onClear={() => setChosen(new Map())}
          onDone={() => {
            setChosen(new Map());
            list.reload();
          }}
        />
      )}
      <p class="quiet" role="status">
        {list.data &&
          (asked.q === ''
            ? ''
            : `${counted(list.rows.length, 'product')} on this page for “${asked.q}”.`)}
      </p>
      <PagedTable
        list={list}
        label="Products"
        empty={'There is no such product.'}
        head={
          <>
            <th class="tick">
              <input
                type="checkbox"
                aria-label="Choose all on this page"
                checked={all}
                onChange={(event) => choose(list.rows, event.currentTarget.checked)}
              />
            </th>
            <th class="wide-only">SKU</th>
            <th>Name</th>
            <th>Status</th>
            <th class="number wide-only">Owned</th>
            <th class="number">Free</th>
            <th class="number wide-only">Held</th>
            <th class="number wide-only">Out</th>
            <th class="bars wide-only">Units</th>
            <th class="number wide-only">Price</th>
          </>
        }
      >
        {(product) => (
          <ProductRow
            key={product.id}
            product={product}
            isChosen={chosen.has(product.id)}
            onChoose={(isChosen) => choose([product], isChosen)}
          />
        )}
      </PagedTable>
    </>
  );
}

interface RowProps {
  readonly product: Product;
  readonly isChosen: boolean;
  readonly onChoose: (isChosen: boolean) => void;
}

function ProductRow({ product, isChosen, onChoose }: RowProps) {
  const { quantity_available: free, quantity_reserved: held, quantity_rented: out } = product;
  return (
    <tr class={isChosen ? 'chosen' : ''}>
      <td class="tick">
        <input
          type="checkbox"
          aria-label={`Choose ${product.sku}`}
          checked={isChosen}
          onChange={(event) => onChoose(event.currentTarget.checked)}
        />
      </td>
      <td class="code wide-only">{product.sku}</td>
      <td class="name">
        <Link to={`/products/${product.id}`}>{product.name}</Link>
        <small class="block code quiet phone-only">{product.sku}</small>
      </td>
      <td>
        <Status of={product.availability_status} />
      </td>
      <td class="number wide-only">{formatNumber(product.quantity)}</td>
      <td class="number">{formatNumber(free)}</td>
      <td class="number wide-only">{formatNumber(held)}</td>
      <td class="number wide-only">{formatNumber(out)}</td>
      <td class="bars wide-only">
        <UnitsBar free={free} held={held} out={out} />
      </td>
      <td class="number wide-only">
        {product.price_amount !== null && product.price_currency !== null
          ? formatMoney(product.price_amount, product.price_currency)
          : ''}
      </td>
    </tr>
  );
}
