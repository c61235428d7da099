import { useState } from 'preact/hooks';
import { call } from '../api/client';
import type { Rental } from '../api/types';
import { counted } from '../format';
import { announce } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { Field, Form, toTextOrNull } from '../ui/form';

/** What can be done with a rental that is active; each asks once, since it can't be undone. */
export function RentalActions({ rental, onDone }: { rental: Rental; onDone: () => void }) {
  const [asked, setAsked] = useState<'complete' | 'cancel' | null>(null);
  const [reason, setReason] = useState('');
  if (rental.status !== 'active') return null;
  const whose = `${counted(rental.quantity, 'unit')}${rental.user_id === null ? '' : ` of ${rental.user_id}`}`;
  const close = () => setAsked(null);
  const send = async (key: string) => {
    const body = asked === 'cancel' ? { body: { reason: toTextOrNull(reason) } } : {};
    await call('POST', `/api/rentals/${rental.id}/${asked}`, { key, ...body });
    announce(`The rental of ${whose} is ${asked === 'cancel' ? 'cancelled' : 'completed'}.`);
    close();
    onDone();
  };
  const about = `rental ${rental.id.slice(-6)}, ${whose}`;
  return (
    <span class="row actions">
      <button type="button" aria-label={`Complete ${about}`} onClick={() => setAsked('complete')}>
        Complete
      </button>
      <button type="button" aria-label={`Cancel ${about}`} onClick={() => setAsked('cancel')}>
        Cancel
      </button>
      {asked === 'complete' && (
        <Dialog title="Complete the rental" onClose={close}>
          <p>{whose} came back, and can be rented again. This can not be undone.</p>
          <Form onSend={send} submit="Complete" fields={[]} onCancel={close}>
            {() => null}
          </Form>
        </Dialog>
      )}
      {asked === 'cancel' && (
        <Dialog title="Cancel the rental" onClose={close}>
          <p>{whose} can be rented again at once. This can not be undone.</p>
          <Form
            onSend={send}
            submit="Cancel the rental"
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
