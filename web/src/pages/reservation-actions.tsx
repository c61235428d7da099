import { useState } from 'preact/hooks';
import { call } from '../api/client';
import type { Reservation } from '../api/types';
import { counted, formatTime } from '../format';
import { announce } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { Field, Form } from '../ui/form';

interface ActionProps {
  readonly reservation: Reservation;
  readonly onDone: () => void;
}

/** Minutes as they are typed, which may be a fraction. */
const toMinutes = (text: string) =>
  /^\d+([.,]\d+)?$/.test(text.trim()) ? Number(text.replace(',', '.')) : text;

/** What can be done with a hold that is active. */
export function ReservationActions({ reservation, onDone }: ActionProps) {
  const [asked, setAsked] = useState<'release' | 'extend' | null>(null);
  const [minutes, setMinutes] = useState('15');
  if (reservation.status !== 'reserved') return null;
  const { id, quantity, cartId } = reservation;
  const what = `${counted(quantity, 'unit')} for ${cartId}`;
  const close = () => setAsked(null);
  const release = async (key: string) => {
    await call('DELETE', `/api/reservations/${id}`, { key });
    announce(`${what}: released.`);
    close();
    onDone();
  };
  const extend = async (key: string) => {
    const body = { additionalMinutes: toMinutes(minutes) };
    const extended = await call<Reservation>('PATCH', `/api/reservations/${id}/extend`, {
      key,
      body,
    });
    announce(`${what}: held until ${formatTime(extended.expiresAt)}.`);
    close();
    onDone();
  };
  return (
    <span class="row actions">
      <button type="button" aria-label={`Extend ${what}`} onClick={() => setAsked('extend')}>
        Extend
      </button>
      <button type="button" aria-label={`Release ${what}`} onClick={() => setAsked('release')}>
        Release
      </button>
      {asked === 'release' && (
        <Dialog title="Release the hold" onClose={close}>
          <p>{what}: anybody can have them then. This can not be undone.</p>
          <Form onSend={release} submit="Release" fields={[]} onCancel={close} isDanger>
            {() => null}
          </Form>
        </Dialog>
      )}
      {asked === 'extend' && (
        <Dialog title="Extend the hold" onClose={close}>
          <p>
            {what}, until {formatTime(reservation.expiresAt)} as it stands.
          </p>
          <Form onSend={extend} submit="Extend" fields={['additionalMinutes']} onCancel={close}>
            {(problem) => (
              <Field
                label="Minutes more"
                type="number"
                value={minutes}
                onValue={setMinutes}
                error={problem?.about('additionalMinutes') ?? null}
                isFirst
              />
            )}
          </Form>
        </Dialog>
      )}
    </span>
  );
}
