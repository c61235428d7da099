import type { ApiError } from '../api/client';
import type { Product } from '../api/types';
import { Field, toNumberOrNull, toTextOrNull } from '../ui/form';

/** What somebody types of a product. */
export interface ProductDraft {
  readonly name: string;
  readonly low_stock_threshold: string;
  readonly price_amount: string;
  readonly price_currency: string;
  readonly supplier_email: string;
}

export const EMPTY_DRAFT: ProductDraft = {
  name: '',
  low_stock_threshold: '',
  price_amount: '',
  price_currency: '',
  supplier_email: '',
};

export const DRAFT_FIELDS = Object.keys(EMPTY_DRAFT) as (keyof ProductDraft)[];

export function draftOf(product: Product): ProductDraft {
  const text = (value: string | number | null) => (value === null ? '' : String(value));
  return {
    name: product.name,
    low_stock_threshold: text(product.low_stock_threshold),
    price_amount: text(product.price_amount),
    price_currency: text(product.price_currency),
    supplier_email: text(product.supplier_email),
  };
}

/** As the API takes it; what is no number is sent as it is, and the API says so. */
export function changeableOf(draft: ProductDraft) {
  return {
    name: draft.name.trim(),
    low_stock_threshold: toNumberOrNull(draft.low_stock_threshold),
    price_amount: toNumberOrNull(draft.price_amount),
    price_currency: toTextOrNull(draft.price_currency),
    supplier_email: toTextOrNull(draft.supplier_email),
  };
}

interface FieldsProps {
  readonly draft: ProductDraft;
  readonly problem: ApiError | null;
  readonly onDraft: (draft: ProductDraft) => void;
  readonly isFirst?: boolean;
}

/** The fields that a product has when it is made, and later. */
export function ProductFields({ draft, problem, onDraft, isFirst = false }: FieldsProps) {
  const field = (name: keyof ProductDraft) => ({
    value: draft[name],
    onValue: (value: string) => onDraft({ ...draft, [name]: value }),
    error: problem?.about(name) ?? null,
  });
  return (
    <>
      <Field label="Name" {...field('name')} isRequired isFirst={isFirst} />
      <div class="pair">
        <Field
          label="Price of one unit"
          type="number"
          {...field('price_amount')}
          hint="In cents, or what the currency's smallest unit is."
        />
        <Field label="Currency" {...field('price_currency')} hint="Like EUR." />
      </div>
      <div class="pair">
        <Field
          label="Low at or below so many free units"
          type="number"
          {...field('low_stock_threshold')}
          hint="Nothing: the service's own."
        />
        <Field label="Supplier's email" type="email" {...field('supplier_email')} />
      </div>
    </>
  );
}
