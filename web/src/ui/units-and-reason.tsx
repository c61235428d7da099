import type { ApiError } from '../api/client';
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
}

/** The fields of a change of stock; what is wrong with its first line is said beside them. */
export function UnitsAndReasonFields({ label, value, onValue, problem }: Props) {
  return (
    <>
      <Field
        label={label}
        type="number"
        value={value.units}
        onValue={(units) => onValue({ ...value, units })}
        error={problem?.about('updates[0].quantity') ?? null}
        isFirst
        isRequired
      />
      <Field
        label="Reason"
        value={value.reason}
        onValue={(reason) => onValue({ ...value, reason })}
        error={problem?.about('updates[0].reason') ?? null}
      />
    </>
  );
}

/** The names under which the API finds fault with so many changes. */
export const fieldsOfUpdates = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => [
    `updates[${i}].quantity`,
    `updates[${i}].reason`,
  ]).flat();
