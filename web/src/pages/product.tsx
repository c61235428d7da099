import { useState } from 'preact/hooks';
import { isAbout } from '../api/about';
import { ApiError, call, sentenceOf } from '../api/client';
import { UNTOLD, useAsk } from '../api/hooks';
import type { Product } from '../api/types';
import { formatMoney, formatNumber } from '../format';
import { announce, announceProblem } from '../ui/announce';
import { MachinePicture } from '../ui/machine-picture';
import { Figure, Instead, Link, PageTitle, Status, Time, UnitsBar } from '../ui/parts';
import { type Change, Changes } from './product-changes';
import { History } from './product-history';
import { Ledger } from './product-ledger';
import { ActiveRentals, Holds } from './product-units';

/** One product: what its units do, what happened to it, and what can be done. */
export function ProductPage({ named }: { named: string }) {
  const [id, setId] = useState<number | null>(/^\d{1,10}$/.test(named) ? Number(named) : null);
  const asked = useAsk<Product>(
    `/api/products/${named}`,
    id === null ? undefined : isAbout(id),
    UNTOLD,
  );
  const product = asked.data;
  if (product && id !== product.id) setId(product.id);
  if (!product) {
    return (
      <>
        <PageTitle title="Product" />
        <Instead of={asked} empty={null} />
      </>
    );
  }
  return <Shown product={product} reload={asked.reload} />;
}

function Shown({ product, reload }: { product: Product; reload: () => void }) {
  const [change, setChange] = useState<Change | null>(null);
  const [isBusy, setBusy] = useState(false);
  const { id, version } = product;

  const publication = async (verb: 'publish' | 'unpublish') => {
    setBusy(true);
    try {
      await call('POST', `/api/products/${id}/${verb}`);
      announce(`${product.name} is ${verb === 'publish' ? 'published' : 'a draft'} now.`);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) announceProblem(sentenceOf(error));
    } finally {
      setBusy(false);
      reload();
    }
  };
  const isDraft = product.availability_status === 'draft';

  return (
    <>
      <PageTitle title={product.name}>
        {isDraft ? (
          <button
            type="button"
            class="primary"
            disabled={isBusy}
            onClick={() => void publication('publish')}
          >
            Publish
          </button>
        ) : (
          <button type="button" disabled={isBusy} onClick={() => setChange('unpublish')}>
            Unpublish
          </button>
        )}
        <button type="button" onClick={() => setChange('restock')}>
          Restock
        </button>
        <button type="button" onClick={() => setChange('adjust')}>
          Adjust by count
        </button>
        <button type="button" onClick={() => setChange('edit')}>
          Edit
        </button>
      </PageTitle>
      {change !== null && (
        <Changes
          asked={change}
          product={product}
          onUnpublish={() => publication('unpublish')}
          onClose={() => setChange(null)}
          onDone={reload}
        />
      )}
      <div class="columns two">
        <section class="panel" aria-label="Units">
          <dl class="figures" aria-live="polite">
            <Figure label="Owned" value={product.quantity} />
            <Figure label="Free" value={product.quantity_available} tone="free" />
            <Figure label="Held" value={product.quantity_reserved} tone="held" />
            <Figure label="Out" value={product.quantity_rented} tone="out" />
          </dl>
          <UnitsBar
            free={product.quantity_available}
            held={product.quantity_reserved}
            out={product.quantity_rented}
          />
          <Facts product={product} />
        </section>
        <section class="panel" aria-label="State">
          <MachinePicture state={product.availability_status} />
        </section>
      </div>
      <History productId={id} version={version} />
      <div class="columns two">
        <ActiveRentals productId={id} onChanged={reload} />
        <Holds productId={id} onChanged={reload} />
      </div>
      <Ledger productId={id} version={version} />
    </>
  );
}

function Facts({ product }: { product: Product }) {
  const { price_amount: price, price_currency: currency, low_stock_threshold: threshold } = product;
  return (
    <dl class="facts">
      <dt>Status</dt>
      <dd>
        <Status of={product.availability_status} />
      </dd>
      <dt>SKU</dt>
      <dd class="code">{product.sku}</dd>
      <dt>Id</dt>
      <dd>{product.id}</dd>
      <dt>Price</dt>
      <dd>{price !== null && currency !== null ? formatMoney(price, currency) : 'none'}</dd>
      <dt>Low at</dt>
      <dd>{threshold === null ? "the service's threshold" : formatNumber(threshold)}</dd>
      {product.supplier_email !== null && (
        <>
          <dt>Supplier</dt>
          <dd class="cut">{product.supplier_email}</dd>
        </>
      )}
      {product.parent_id !== null && (
        <>
          <dt>Variant of</dt>
          <dd>
            <Link to={`/products/${product.parent_id}`}>product {product.parent_id}</Link>
          </dd>
        </>
      )}
      <dt>Changed</dt>
      <dd>
        <Time at={product.updated_at} />
      </dd>
    </dl>
  );
}
