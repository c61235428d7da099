import type { ComponentChildren } from 'preact';
import type { Paged } from './paging';
import { Instead, Pager, Table } from './parts';

interface PagedTableProps<T> {
  readonly list: Paged<T>;
  readonly label: string;
  /** what is said where the list is empty */
  readonly empty: string;
  /** the cells of its head */
  readonly head: ComponentChildren;
  /** a row, with its key */
  readonly children: (row: T) => ComponentChildren;
}

/** A list of the API as a table: what stands there instead of it, and how to turn the page. */
export function PagedTable<T>({ list, label, empty, head, children }: PagedTableProps<T>) {
  const { rows, page, hasMore, onPage } = list;
  return (
    <>
      <Instead of={list} empty={list.data && rows.length === 0 ? empty : null} />
      {rows.length > 0 && (
        <Table label={label}>
          <thead>
            <tr>{head}</tr>
          </thead>
          <tbody>{rows.map(children)}</tbody>
        </Table>
      )}
      <Pager page={page} hasMore={hasMore} onPage={onPage} />
    </>
  );
}
