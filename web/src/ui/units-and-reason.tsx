import type { ApiError } from '../api/client';
import type { Product } from '../api/types';
import { Field } from './form';

/** Units of stock and why, as somebody types them. */
export interface UnitsAndReason {
  readonly units: string;
  readonly reason: string;
}

interface Props {
  readonly label: string;
  readonly value: UnitsAndReason;
  readonly onValue: (value: UnitsAndReason) => void;
  readonly problem: ApiError | null;
  /** those that are changed, in the order in which they are sent */
  readonly products: readonly Product[];
}

/** The fields of a change of stock; what is wrong with any of its lines is said beside them. */
export function UnitsAndReasonFields({ label, value, onValue, problem, products }: Props) {
  return (
    <>
      <Field
        label={label}
        type="number"
        value={value.units}
        onValue={(units) => onValue({ ...value, units })}
        error={problem && wrongWith('quantity', problem, products)}
        isFirst
        isRequired
      />
      <Field
        label="Reason"
        value={value.reason}
        onValue={(reason) => onValue({ ...value, reason })}
        error={problem && wrongWith('reason', problem, products)}
      />
    </>
  );
}

/** What is wrong with the first product of which something is; null: nothing with any. */
function wrongWith(field: string, problem: ApiError, products: readonly Product[]): string | null {
  const messages = products.map((_, i) => problem.about(`updates[${i}].${field}`));
  const first = messages.findIndex((message) => message !== null);
  const message = messages[first] ?? null;
  // What is wrong with each of them in the same way is what was typed.
  if (message === null || messages.every((each) => each === message)) return message;
  return `${products[first]?.name}: ${message}`;
}

/** The names under which the API finds fault with so many changes. */
export const fieldsOfUpdates = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => [
    `updates[${i}].quantity`,
    `updates[${i}].reason`,
  ]).flat();
