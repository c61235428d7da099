import { useState } from 'preact/hooks';
import { ApiError, call, sentenceOf } from '../api/client';
import type { Product } from '../api/types';
import { counted } from '../format';
import { announce, announceProblem } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { Field, Form, toNumber, toNumberOrNull } from '../ui/form';
import { fieldsOfUpdates, type UnitsAndReason, UnitsAndReasonFields } from '../ui/units-and-reason';

interface BulkProps {
  readonly products: readonly Product[];
  readonly onClear: () => void;
  /** something was done: what is shown may be old */
  readonly onDone: () => void;
}

const AT_ONCE = 4;

/** What can be done to the products that are chosen. */
export function BulkActions({ products, onClear, onDone }: BulkProps) {
  const [asked, setAsked] = useState<'restock' | 'threshold' | 'unpublish' | null>(null);
  const [isBusy, setBusy] = useState(false);
  const close = () => setAsked(null);
  const finish = () => {
    setAsked(null);
    onDone();
  };

  /** Does one after the other, some at once; says how many were done, and why the rest was not. */
  const each = async (what: string, send: (product: Product) => Promise<unknown>) => {
    setBusy(true);
    const failed: string[] = [];
    const waiting = products.values();
    const lane = async () => {
      for (const product of waiting) {
        try {
          await send(product);
        } catch (error) {
          // Nobody is signed in any more, or what was typed is wrong for each of them.
          if (error instanceof ApiError && [401, 422].includes(error.status)) throw error;
          failed.push(`${product.sku}: ${sentenceOf(error)}`);
        }
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
    } catch (error) {
      // That the session ended, the sign-in says.
      if (error instanceof ApiError && error.status === 401) return;
      throw error;
    } finally {
      setBusy(false);
    }
    const done = products.length - failed.length;
    if (done > 0) announce(`${counted(done, 'product')} ${what}.`);
    if (failed.length > 0) {
      announceProblem(
        `${counted(failed.length, 'product')} not ${what}. ${failed.slice(0, 3).join(' ')}`,
      );
    }
    finish();
  };
  const publication = (verb: 'publish' | 'unpublish') =>
    each(`${verb}ed`, ({ id }) => call('POST', `/api/products/${id}/${verb}`));
  // No form asks for it, so none says what went wrong.
  const publish = () =>
    publication('publish').catch((error: unknown) => announceProblem(sentenceOf(error)));

  return (
    <section class="bulk row between" aria-label="Chosen products">
      <strong role="status">{counted(products.length, 'product')} chosen</strong>
      <div class="row">
        <button type="button" disabled={isBusy} onClick={() => void publish()}>
          Publish
        </button>
        <button type="button" disabled={isBusy} onClick={() => setAsked('unpublish')}>
          Unpublish
        </button>
        <button type="button" disabled={isBusy} onClick={() => setAsked('restock')}>
          Restock
        </button>
        <button type="button" disabled={isBusy} onClick={() => setAsked('threshold')}>
          Threshold
        </button>
        <button type="button" class="plain" onClick={onClear}>
          Clear
        </button>
      </div>
      {asked === 'unpublish' && (
        <Dialog title="Unpublish" onClose={close}>
          <p>
            {counted(products.length, 'product')} can not be rented or held any more until published
            again. What is out stays out.
          </p>
          <Form
            onSend={() => publication('unpublish')}
            submit="Unpublish"
            fields={[]}
            onCancel={close}
          >
            {() => null}
          </Form>
        </Dialog>
      )}
      {asked === 'restock' && <BulkRestock products={products} onClose={close} onDone={finish} />}
      {asked === 'threshold' && (
        <BulkThreshold
          onClose={close}
          onSend={(threshold) =>
            each('changed', ({ id }) =>
              call('PATCH', `/api/products/${id}`, { body: { low_stock_threshold: threshold } }),
            )
          }
        />
      )}
    </section>
  );
}

function BulkRestock(props: {
  products: readonly Product[];
  onClose: () => void;
  onDone: () => void;
}) {
  const { products, onClose, onDone } = props;
  const [typed, setTyped] = useState<UnitsAndReason>({ units: '', reason: 'delivery' });
  const send = async (key: string) => {
    const updates = products.map(({ id }) => ({
      variantId: id,
      quantity: toNumber(typed.units),
      reason: typed.reason,
    }));
    await call('POST', '/api/inventory/restock', { key, body: { updates } });
    announce(`${counted(products.length, 'product')} restocked.`);
    onDone();
  };
  return (
    <Dialog title={`Restock ${counted(products.length, 'product')}`} onClose={onClose}>
      <p class="quiet">All of them, or none.</p>
      <Form
        onSend={send}
        submit="Restock"
        fields={fieldsOfUpdates(products.length)}
        onCancel={onClose}
      >
        {(problem) => (
          <UnitsAndReasonFields
            label="Units more of each"
            value={typed}
            onValue={setTyped}
            problem={problem}
            products={products}
          />
        )}
      </Form>
    </Dialog>
  );
}

function BulkThreshold(props: {
  onClose: () => void;
  onSend: (threshold: number | string | null) => Promise<void>;
}) {
  const [threshold, setThreshold] = useState('');
  return (
    <Dialog title="Low-stock threshold" onClose={props.onClose}>
      <Form
        onSend={() => props.onSend(toNumberOrNull(threshold))}
        submit="Change"
        fields={['low_stock_threshold']}
        onCancel={props.onClose}
      >
        {(problem) => (
          <Field
            label="Low at or below so many free units"
            type="number"
            value={threshold}
            onValue={setThreshold}
            error={problem?.about('low_stock_threshold') ?? null}
            hint="Nothing: the service's own."
            isFirst
          />
        )}
      </Form>
    </Dialog>
  );
}
