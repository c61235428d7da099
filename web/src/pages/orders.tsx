import { useState } from 'preact/hooks';
import { call, withQuery } from '../api/client';
import { UNTOLD } from '../api/hooks';
import type { Order } from '../api/types';
import { formatMoney, formatWord } from '../format';
import { useSession } from '../session';
import { announce } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { useFilters } from '../ui/filters';
import { Choice, Field, Form, toTextOrNull } from '../ui/form';
import { PagedTable } from '../ui/paged-table';
import { usePaged } from '../ui/paging';
import { Link, PageTitle, Status, Time } from '../ui/parts';

const WORDS = [
  'pending',
  'confirmed',
  'failed',
  'cancelled',
  'expired',
  'refund_required',
  'refunded',
];
const STATUSES = [['', 'Any'], ...WORDS.map((word) => [word, formatWord(word)] as const)] as const;

/** All orders of the store, newest first. */
export function Orders({ query }: { query: URLSearchParams }) {
  const { typed, asked, set } = useFilters(query, ['status']);
  const list = usePaged<Order>(
    withQuery('/api/orders', { limit: 50, status: asked.status }),
    ({ type }) => type.startsWith('order.'),
    UNTOLD,
  );
  const isNarrowed = Object.values(asked).some((value) => value !== '');
  return (
    <>
      <PageTitle title="Orders" />
      <search class="filters row">
        <Choice
          label="Status"
          value={typed.status}
          options={STATUSES}
          onValue={(status) => set({ status })}
        />
      </search>
      <PagedTable
        list={list}
        label="Orders"
        empty={`There is no ${isNarrowed ? 'such ' : ''}order.`}
        head={
          <>
            <th class="wide-only">Made</th>
            <th>Cart</th>
            <th>Products</th>
            <th class="number">Amount</th>
            <th>Status</th>
            <th>Actions</th>
          </>
        }
      >
        {(order) => (
          <tr key={order.id}>
            <td class="nowrap wide-only">
              <Time at={order.createdAt} />
            </td>
            <td>{order.cartId}</td>
            <td>
              {order.items.map((item) => (
                <span key={item.productId} class="block">
                  {item.quantity} × <Link to={`/products/${item.productId}`}>{item.name}</Link>
                </span>
              ))}
            </td>
            <td class="number">{formatMoney(order.amount, order.currency)}</td>
            <td>
              <Status of={order.status} />
              {order.failureReason !== null && <small> {order.failureReason}</small>}
            </td>
            <td>
              <OrderActions order={order} onDone={list.reload} />
            </td>
          </tr>
        )}
      </PagedTable>
    </>
  );
}

function OrderActions({ order, onDone }: { order: Order; onDone: () => void }) {
  const { role } = useSession();
  const [isAsked, setAsked] = useState(false);
  const [reason, setReason] = useState('');
  const mayCancel = role === 'admin' || role === 'service';
  if (!mayCancel || !['pending', 'confirmed'].includes(order.status)) return null;
  const close = () => setAsked(false);
  const send = async (key: string) => {
    const body = { reason: toTextOrNull(reason) };
    const cancelled = await call<Order>('POST', `/api/orders/${order.id}/cancel`, { key, body });
    announce(`The order of ${order.cartId} is ${formatWord(cancelled.status)}.`);
    close();
    onDone();
  };
  return (
    <span class="row actions">
      <button
        type="button"
        aria-label={`Cancel the order of ${order.cartId}`}
        onClick={() => setAsked(true)}
      >
        Cancel
      </button>
      {isAsked && (
        <Dialog title="Cancel the order" onClose={close}>
          <p>
            {order.status === 'pending'
              ? 'Its holds are given back.'
              : 'Its rentals are cancelled, and it has to be refunded.'}{' '}
            This can not be undone.
          </p>
          <Form
            onSend={send}
            submit="Cancel the order"
            fields={['reason']}
            onCancel={close}
            isDanger
          >
            {(problem) => (
              <Field
                label="Reason"
                value={reason}
                onValue={setReason}
                error={problem?.about('reason') ?? null}
                isFirst
              />
            )}
          </Form>
        </Dialog>
      )}
    </span>
  );
}
