import { withQuery } from '../api/client';
import type { Reservation } from '../api/types';
import { formatNumber } from '../format';
import { Span, useReloadAt } from '../ui/clock';
import { useFilters } from '../ui/filters';
import { Choice, Field } from '../ui/form';
import { PagedTable } from '../ui/paged-table';
import { usePaged } from '../ui/paging';
import { Link, PageTitle, Status, Time } from '../ui/parts';
import { ReservationActions } from './reservation-actions';

const STATUSES = [
  ['', 'Any'],
  ['reserved', 'Reserved'],
  ['confirmed', 'Confirmed'],
  ['released', 'Released'],
  ['expired', 'Expired'],
] as const;

/** All holds of the store, newest first. */
export function Reservations({ query }: { query: URLSearchParams }) {
  const { typed, asked, set } = useFilters(query, ['status', 'product', 'cart']);
  const list = usePaged<Reservation>(
    withQuery('/api/reservations', {
      limit: 50,
      status: asked.status,
      resellerProductId: asked.product,
      cartId: asked.cart,
    }),
    ({ type }) => type.startsWith('reservation.'),
  );
  useReloadAt(
    list.rows.filter(({ status }) => status === 'reserved').map(({ expiresAt }) => expiresAt),
    list.reload,
  );
  const isNarrowed = Object.values(asked).some((value) => value !== '');
  return (
    <>
      <PageTitle title="Reservations" />
      <search class="filters row">
        <Choice
          label="Status"
          value={STATUSES.find(([value]) => value === typed.status)?.[0] ?? ''}
          options={STATUSES}
          onValue={(status) => set({ status })}
        />
        <Field
          label="Product"
          type="search"
          value={typed.product}
          onValue={(product) => set({ product })}
          placeholder="Id or SKU"
        />
        <Field label="Cart" type="search" value={typed.cart} onValue={(cart) => set({ cart })} />
      </search>
      <PagedTable
        list={list}
        label="Reservations"
        empty={`There is no ${isNarrowed ? 'such ' : ''}reservation.`}
        head={
          <>
            <th class="wide-only">Made</th>
            <th>SKU</th>
            <th class="number">Units</th>
            <th>Cart</th>
            <th class="wide-only">Customer</th>
            <th>Status</th>
            <th>Ends, or ended</th>
            <th class="wide-only">Order</th>
            <th>Actions</th>
          </>
        }
      >
        {(hold) => (
          <tr key={hold.id}>
            <td class="nowrap wide-only">
              <Time at={hold.createdAt} />
            </td>
            <td class="code">
              <Link to={`/products/${encodeURIComponent(hold.sku)}`}>{hold.sku}</Link>
            </td>
            <td class="number">{formatNumber(hold.quantity)}</td>
            <td>{hold.cartId}</td>
            <td class="wide-only">{hold.customerId}</td>
            <td>
              <Status of={hold.status} />
            </td>
            <td class="nowrap">
              {hold.status === 'reserved' ? (
                <Span at={hold.expiresAt} past="due" />
              ) : (
                <Time at={hold.confirmedAt ?? hold.releasedAt ?? hold.expiresAt} />
              )}
            </td>
            <td class="wide-only">{hold.orderId}</td>
            <td>
              <ReservationActions reservation={hold} onDone={list.reload} />
            </td>
          </tr>
        )}
      </PagedTable>
    </>
  );
}
