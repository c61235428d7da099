import { withQuery } from '../api/client';
import { useProducts } from '../api/hooks';
import type { Rental } from '../api/types';
import { formatNumber } from '../format';
import { Span, useNow } from '../ui/clock';
import { useFilters } from '../ui/filters';
import { Choice, Field } from '../ui/form';
import { PagedTable } from '../ui/paged-table';
import { usePaged } from '../ui/paging';
import { Link, PageTitle, Status, Time } from '../ui/parts';
import { RentalActions } from './rental-actions';

const STATUSES = [
  ['', 'Any'],
  ['active', 'Active'],
  ['overdue', 'Overdue'],
  ['completed', 'Completed'],
  ['cancelled', 'Cancelled'],
] as const;

/** All rentals of the store, newest first. */
export function Rentals({ query }: { query: URLSearchParams }) {
  const { typed, asked, set } = useFilters(query, ['status', 'overdue', 'product', 'user']);
  const status = asked.overdue === 'true' ? 'overdue' : asked.status;
  const shown = typed.overdue === 'true' ? 'overdue' : typed.status;
  const list = usePaged<Rental>(
    withQuery('/api/rentals', {
      limit: 50,
      status: status === 'overdue' ? null : status,
      overdue: status === 'overdue' ? 'true' : null,
      product_id: asked.product,
      user_id: asked.user,
    }),
    ({ type }) => type.startsWith('rental.'),
  );
  const products = useProducts(list.rows.map(({ product_id }) => product_id));
  const isNarrowed = Object.values(asked).some((value) => value !== '');
  return (
    <>
      <PageTitle title="Rentals" />
      <search class="filters row">
        <Choice
          label="Status"
          value={STATUSES.find(([value]) => value === shown)?.[0] ?? ''}
          options={STATUSES}
          onValue={(status) => set({ status, overdue: '' })}
        />
        <Field
          label="Product"
          type="search"
          value={typed.product}
          onValue={(product) => set({ product })}
          placeholder="Id or SKU"
        />
        <Field label="User" type="search" value={typed.user} onValue={(user) => set({ user })} />
      </search>
      <PagedTable
        list={list}
        label="Rentals"
        empty={`There is no ${isNarrowed ? 'such ' : ''}rental.`}
        head={
          <>
            <th class="wide-only">Made</th>
            <th>Product</th>
            <th class="number">Units</th>
            <th>User</th>
            <th>Status</th>
            <th>Due, or ended</th>
            <th class="wide-only">Order</th>
            <th>Actions</th>
          </>
        }
      >
        {(rental) => (
          <tr key={rental.id}>
            <td class="nowrap wide-only">
              <Time at={rental.created_at} />
            </td>
            <td class="name">
              <Link to={`/products/${rental.product_id}`}>
                {products.get(rental.product_id)?.name ?? `Product ${rental.product_id}`}
              </Link>
            </td>
            <td class="number">{formatNumber(rental.quantity)}</td>
            <td>{rental.user_id}</td>
            <td>
              <RentalStatus rental={rental} />
              {rental.cancel_reason !== null && <small> {rental.cancel_reason}</small>}
            </td>
            <td class="nowrap">
              <DueOrEnded rental={rental} />
            </td>
            <td class="wide-only">{rental.order_id}</td>
            <td>
              <RentalActions rental={rental} onDone={list.reload} />
            </td>
          </tr>
        )}
      </PagedTable>
    </>
  );
}

function DueOrEnded({ rental }: { rental: Rental }) {
  const ended = rental.completed_at ?? rental.cancelled_at;
  if (ended !== null) return <Time at={ended} />;
  return <>{rental.ends_at !== null && <Span at={rental.ends_at} />}</>;
}

function RentalStatus({ rental: { status, ends_at } }: { rental: Rental }) {
  const nowMs = useNow();
  const isOverdue = status === 'active' && ends_at !== null && Date.parse(ends_at) < nowMs;
  return <Status of={isOverdue ? 'overdue' : status} />;
}
