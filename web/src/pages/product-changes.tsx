import { useState } from 'preact/hooks';
import { call } from '../api/client';
import type { Product } from '../api/types';
import { counted, formatNumber } from '../format';
import { announce } from '../ui/announce';
import { Dialog } from '../ui/dialog';
import { Field, Form, toNumber } from '../ui/form';
import { fieldsOfUpdates, type UnitsAndReason, UnitsAndReasonFields } from '../ui/units-and-reason';
import { changeableOf, DRAFT_FIELDS, draftOf, ProductFields } from './product-form';

/** What somebody wants to do with a product. */
export type Change = 'edit' | 'restock' | 'adjust' | 'unpublish';

interface ChangeProps {
  readonly product: Product;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function Changes(props: ChangeProps & { asked: Change; onUnpublish: () => Promise<void> }) {
  const { asked, onUnpublish, onClose, product } = props;
  switch (asked) {
    case 'edit':
      return <Edit {...props} />;
    case 'restock':
      return <Restock {...props} />;
    case 'adjust':
      return <Adjust {...props} />;
    case 'unpublish':
      return (
        <Dialog title="Unpublish" onClose={onClose}>
          <p>
            {product.name} can not be rented or held any more until it is published again. What is
            out stays out.
          </p>
          <Form
            onSend={async () => {
              await onUnpublish();
              onClose();
            }}
            submit="Unpublish"
            fields={[]}
            onCancel={onClose}
          >
            {() => null}
          </Form>
        </Dialog>
      );
  }
}

function Edit({ product, onClose, onDone }: ChangeProps) {
  const [draft, setDraft] = useState(() => draftOf(product));
  const [quantity, setQuantity] = useState(String(product.quantity));
  // What was read when the dialog was opened: a change by somebody else meanwhile is not undone.
  const [opened] = useState(product);

  const send = async (key: string) => {
    const isNew = quantity.trim() !== String(opened.quantity);
    // A unit that is rented meanwhile changes the version; the fields of this form it leaves alone.
    const isGuarded = isNew ? { version: opened.version } : {};
    const body = { ...changeableOf(draft), ...(isNew ? { quantity: toNumber(quantity) } : {}) };
    await call('PATCH', `/api/products/${product.id}`, { key, body, ...isGuarded });
    announce(`${draft.name} was changed.`);
    onDone();
    onClose();
  };
  return (
    <Dialog title={`Edit ${product.sku}`} onClose={onClose} isWide>
      <Form onSend={send} submit="Save" fields={[...DRAFT_FIELDS, 'quantity']} onCancel={onClose}>
        {(problem) => (
          <>
            <ProductFields draft={draft} problem={problem} onDraft={setDraft} isFirst />
            <Field
              label="Units owned"
              type="number"
              value={quantity}
              onValue={setQuantity}
              error={
                problem?.about('quantity') ??
                (problem?.code === 'quantity_below_committed' ? problem.message : null)
              }
            />
          </>
        )}
      </Form>
    </Dialog>
  );
}

function Restock({ product, onClose, onDone }: ChangeProps) {
  const [typed, setTyped] = useState<UnitsAndReason>({ units: '', reason: 'delivery' });
  const send = async (key: string) => {
    const { reason } = typed;
    const quantity = toNumber(typed.units);
    const updates = [{ variantId: product.id, quantity, reason }];
    await call('POST', '/api/inventory/restock', { key, body: { updates } });
    announce(`${counted(Number(quantity), 'unit')} more of ${product.name}.`);
    onDone();
    onClose();
  };
  return (
    <Dialog title={`Restock ${product.sku}`} onClose={onClose}>
      <Form onSend={send} submit="Restock" fields={fieldsOfUpdates(1)} onCancel={onClose}>
        {(problem) => (
          <UnitsAndReasonFields
            label="Units more"
            value={typed}
            onValue={setTyped}
            problem={problem}
            products={[product]}
          />
        )}
      </Form>
    </Dialog>
  );
}

function Adjust({ product, onClose, onDone }: ChangeProps) {
  const [typed, setTyped] = useState<UnitsAndReason>({ units: '', reason: 'counted' });
  const onHand = product.quantity_available + product.quantity_reserved;
  const send = async (key: string) => {
    const { units, reason } = typed;
    const updates = [{ variantId: product.id, quantity: toNumber(units), reason }];
    const { updates: changed } = await call<{ updates: { change: number }[] }>(
      'PUT',
      '/api/inventory/adjust',
      { key, body: { updates } },
    );
    const change = changed[0]?.change ?? 0;
    announce(
      change === 0
        ? `The count of ${product.name} was right.`
        : `${counted(Math.abs(change), 'unit')} ${change > 0 ? 'more' : 'fewer'} of ${product.name}.`,
    );
    onDone();
    onClose();
  };
  return (
    <Dialog title={`Adjust ${product.sku}`} onClose={onClose}>
      <p>
        On the shelf there should be <strong>{formatNumber(onHand)}</strong>:{' '}
        {formatNumber(product.quantity_available)} free and{' '}
        {formatNumber(product.quantity_reserved)} held. What is out is not counted.
      </p>
      <Form onSend={send} submit="Adjust" fields={fieldsOfUpdates(1)} onCancel={onClose}>
        {(problem) => (
          <UnitsAndReasonFields
            label="Units counted on the shelf"
            value={typed}
            onValue={setTyped}
            problem={problem}
            products={[product]}
          />
        )}
      </Form>
    </Dialog>
  );
}
