import { withQuery } from '../api/client';
import type { Reservation } from '../api/types';
import { formatNumber, formatSpan } from '../format';
import { useFilters } from '../ui/filters';
import { Choice, Field } from '../ui/form';
import { usePaged } from '../ui/paging';
import { Instead, Link, Pager, PageTitle, Status, Table, Time } from '../ui/parts';
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
  return (
    <>
      <PageTitle title="Reservations" />
      <search class="filters row">
        <Choice
          label="Status"
          value={STATUSES.find(([value]) => value === typed.status)?.[0] ?? ''}
          options={STATUSES}
          onValue={(value) => set('status', value)}
        />
        <Field
          label="Product"
          type="search"
          value={typed.product}
          onValue={(value) => set('product', value)}
          placeholder="Id or SKU"
        />
        <Field
          label="Cart"
          type="search"
          value={typed.cart}
          onValue={(value) => set('cart', value)}
        />
      </search>
      <Instead
        of={list}
        empty={list.data && list.rows.length === 0 ? 'There is no such reservation.' : null}
      />
      {list.rows.length > 0 && (
        <Table label="Reservations">
          <thead>
            <tr>
              <th>Made</th>
              <th>SKU</th>
              <th class="number">Units</th>
              <th>Cart</th>
              <th>Customer</th>
              <th>Status</th>
              <th>Expires</th>
              <th>Order</th>
              <th>Actions</th>
            </tr>
          </thead>
          <tbody>
            {list.rows.map((hold) => (
              <tr key={hold.id}>
                <td class="nowrap">
                  <Time at={hold.createdAt} />
                </td>
                <td class="code">
                  <Link to={`/products/${encodeURIComponent(hold.sku)}`}>{hold.sku}</Link>
                </td>
                <td class="number">{formatNumber(hold.quantity)}</td>
                <td>{hold.cartId}</td>
                <td>{hold.customerId}</td>
                <td>
                  <Status of={hold.status} />
                </td>
                <td class="nowrap">{formatSpan(hold.expiresAt)}</td>
                <td>{hold.orderId}</td>
                <td>
                  <ReservationActions reservation={hold} onDone={list.reload} />
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      <Pager
        page={list.page}
        hasMore={list.hasMore}
        isLoading={list.isLoading}
        onPage={list.onPage}
      />
    </>
  );
}
