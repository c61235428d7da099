import { isAbout } from '../api/about';
import { useAsk } from '../api/hooks';
import type { CamelPage, Page, Rental, Reservation } from '../api/types';
import { counted } from '../format';
import { Span, useReloadAt } from '../ui/clock';
import { Instead, Link } from '../ui/parts';
import { RentalActions } from './rental-actions';
import { ReservationActions } from './reservation-actions';

const SHOWN = 10;

interface UnitsProps {
  readonly productId: number;
  readonly onChanged: () => void;
}

/** Whom the units that are out went to. */
export function ActiveRentals({ productId, onChanged }: UnitsProps) {
  const rentals = useAsk<Page<Rental>>(
    `/api/rentals?product_id=${productId}&status=active&limit=${SHOWN}`,
    isAbout(productId),
  );
  const rows = rentals.data?.data ?? [];
  return (
    <section class="panel" aria-labelledby="rentals">
      <h2 id="rentals">Active rentals</h2>
      <Instead of={rentals} empty={rentals.data && rows.length === 0 ? 'Nothing is out.' : null} />
      <ul class="plain-list">
        {rows.map((rental) => (
          <li key={rental.id} class="row between">
            <span class="cut">
              {counted(rental.quantity, 'unit')} · {rental.user_id ?? 'nobody named'} ·{' '}
              <Span at={rental.created_at} />
              {rental.ends_at !== null && (
                <>
                  , due <Span at={rental.ends_at} />
                </>
              )}
            </span>
            <RentalActions
              rental={rental}
              onDone={() => {
                rentals.reload();
                onChanged();
              }}
            />
          </li>
        ))}
      </ul>
      {rentals.data?.next_cursor && (
        <Link to={`/rentals?product=${productId}&status=active`}>All of them</Link>
      )}
    </section>
  );
}

/** Whom the units that are held are held for. */
export function Holds({ productId, onChanged }: UnitsProps) {
  const holds = useAsk<CamelPage<Reservation>>(
    `/api/reservations?resellerProductId=${productId}&status=reserved&limit=${SHOWN}`,
    isAbout(productId),
  );
  const rows = holds.data?.data ?? [];
  const changed = () => {
    holds.reload();
    onChanged();
  };
  // Its units are free from then on, also before the cleanup has written that down.
  useReloadAt(
    rows.map(({ expiresAt }) => expiresAt),
    changed,
  );
  return (
    <section class="panel" aria-labelledby="holds">
      <h2 id="holds">Holds</h2>
      <Instead of={holds} empty={holds.data && rows.length === 0 ? 'Nothing is held.' : null} />
      <ul class="plain-list">
        {rows.map((hold) => (
          <li key={hold.id} class="row between">
            <span class="cut">
              {counted(hold.quantity, 'unit')} · {hold.cartId} · ends{' '}
              <Span at={hold.expiresAt} past="now" />
            </span>
            <ReservationActions reservation={hold} onDone={changed} />
          </li>
        ))}
      </ul>
      {holds.data?.nextCursor && (
        <Link to={`/reservations?product=${productId}&status=reserved`}>All of them</Link>
      )}
    </section>
  );
}
