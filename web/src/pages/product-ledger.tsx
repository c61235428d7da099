import { useEffect, useState } from 'preact/hooks';
import { withQuery } from '../api/client';
import type { Movement } from '../api/types';
import { formatChange, formatNumber, formatWord } from '../format';
import { Choice } from '../ui/form';
import { PagedTable } from '../ui/paged-table';
import { usePaged } from '../ui/paging';
import { Time } from '../ui/parts';

const KINDS = [
  ...['open', 'publish', 'unpublish', 'update', 'restock', 'adjust', 'rent', 'cancel', 'complete'],
  ...['reserve', 'change_hold', 'extend', 'confirm', 'release', 'expire', 'sync'],
];
const OPTIONS = [['', 'All'], ...KINDS.map((kind) => [kind, formatWord(kind)] as const)] as const;

/** Everything that happened to a product, newest first. */
export function Ledger({ productId, version }: { productId: number; version: number }) {
  const [kind, setKind] = useState('');
  const list = usePaged<Movement>(
    withQuery(`/api/products/${productId}/movements`, { limit: 25, kind }),
  );
  const { reload } = list;
  // Another version has more lines.
  useEffect(reload, [version]);
  return (
    <section class="panel" aria-labelledby="ledger">
      <div class="row between">
        <h2 id="ledger">Ledger</h2>
        <Choice label="Kind" value={kind} options={OPTIONS} onValue={setKind} />
      </div>
      <PagedTable
        list={list}
        label="Ledger"
        empty={'There is no such line.'}
        head={
          <>
            <th>When</th>
            <th>What</th>
            <th class="number">Owned</th>
            <th class="number">Free</th>
            <th class="number">Held</th>
            <th class="number">Out</th>
            <th>Reason</th>
            <th>By</th>
          </>
        }
      >
        {(line) => (
          <tr key={line.id}>
            <td class="nowrap">
              <Time at={line.created_at} />
            </td>
            <td class="nowrap">{formatWord(line.kind)}</td>
            <After is={line.quantity} change={line.quantity_delta} />
            <After is={line.quantity_available} change={line.quantity_available_delta} />
            <After is={line.quantity_reserved} change={line.quantity_reserved_delta} />
            <After is={line.quantity_rented} change={line.quantity_rented_delta} />
            <td>{line.reason ?? (line.order_id === null ? '' : `order ${line.order_id}`)}</td>
            <td>{line.actor}</td>
          </tr>
        )}
      </PagedTable>
    </section>
  );
}

/** A counter after a line, and by how much the line changed it. */
function After({ is, change }: { is: number; change: number }) {
  return (
    <td class="number">
      {formatNumber(is)}
      {change !== 0 && <small class={change > 0 ? 'up' : 'down'}> {formatChange(change)}</small>}
    </td>
  );
}
