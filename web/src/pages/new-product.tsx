import { useState } from 'preact/hooks';
import { call } from '../api/client';
import type { Product } from '../api/types';
import { go } from '../router';
import { announce } from '../ui/announce';
import { Field, Form, toNumber, toTextOrNull } from '../ui/form';
import { PageTitle } from '../ui/parts';
import { changeableOf, DRAFT_FIELDS, EMPTY_DRAFT, ProductFields } from './product-form';

export function NewProduct() {
  const [sku, setSku] = useState('');
  const [quantity, setQuantity] = useState('');
  const [parent, setParent] = useState('');
  const [publish, setPublish] = useState(true);
  const [draft, setDraft] = useState(EMPTY_DRAFT);

  const send = async (key: string) => {
    const body = {
      ...changeableOf(draft),
      sku: sku.trim(),
      quantity: toNumber(quantity),
      parent_id: toTextOrNull(parent),
      publish,
    };
    const product = await call<Product>('POST', '/api/products', { key, body });
    announce(`${product.name} was made.`);
    go(`/products/${product.id}`);
  };

  return (
    <>
      <PageTitle title="New product" />
      <div class="panel narrow">
        <Form
          onSend={send}
          submit="Make the product"
          fields={[...DRAFT_FIELDS, 'sku', 'quantity', 'parent_id']}
          onCancel={() => go('/products')}
        >
          {(problem) => (
            <>
              <div class="pair">
                <Field
                  label="SKU"
                  value={sku}
                  onValue={setSku}
                  error={
                    problem?.about('sku') ??
                    (problem?.code === 'sku_taken' ? problem.message : null)
                  }
                  isRequired
                  isFirst
                />
                <Field
                  label="Units owned"
                  type="number"
                  value={quantity}
                  onValue={setQuantity}
                  error={problem?.about('quantity') ?? null}
                  isRequired
                />
              </div>
              <ProductFields draft={draft} problem={problem} onDraft={setDraft} />
              <Field
                label="Variant of"
                value={parent}
                onValue={setParent}
                error={problem?.about('parent_id') ?? null}
                hint="The id or SKU of another product, where it is one."
              />
              <label class="check">
                <input
                  type="checkbox"
                  checked={publish}
                  onChange={(event) => setPublish(event.currentTarget.checked)}
                />
                Publish it: its units can be rented at once
              </label>
            </>
          )}
        </Form>
      </div>
    </>
  );
}
