import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError, newKey, sentenceOf } from '../api/client';

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  /** what the API says is wrong with it */
  readonly error?: string | null;
  readonly hint?: string;
  readonly type?: 'text' | 'number' | 'search' | 'email' | 'password' | 'date' | 'textarea';
  readonly isRequired?: boolean;
  readonly isFirst?: boolean;
  readonly autocomplete?: string;
  readonly placeholder?: string;
}

/** A labelled field; what is wrong with it stands beside it, and is read with it. */
export function Field(props: FieldProps) {
  const { label, value, onValue, error = null, hint, type = 'text', isFirst = false } = props;
  const id = useId();
  const input = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  // Before the page is painted: what somebody types at once must not go to what had the focus.
  useLayoutEffect(() => {
    if (isFirst) input.current?.focus();
  }, [isFirst]);
  const shared = {
    id,
    ref: input,
    value,
    'aria-invalid': error !== null,
    'aria-describedby': error === null && hint === undefined ? undefined : `${id}-about`,
    required: props.isRequired ?? false,
    placeholder: props.placeholder,
    // A dialog is opened after its fields' effects, and gives the focus to the one that says so.
    autofocus: isFirst,
    onInput: (event: Event) => onValue((event.currentTarget as HTMLInputElement).value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {type === 'textarea' ? (
        <textarea {...shared} rows={3} spellcheck={false} />
      ) : (
        <input
          {...shared}
          type={type === 'number' ? 'text' : type}
          inputMode={type === 'number' ? 'numeric' : undefined}
          autocomplete={props.autocomplete ?? 'off'}
        />
      )}
      {(error !== null || hint !== undefined) && (
        <p id={`${id}-about`} class={error === null ? 'hint' : 'wrong'}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [value: T, label: string])[];
  readonly onValue: (value: T) => void;
}

export function Choice<T extends string>({ label, value, options, onValue }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          const chosen = options.find(([each]) => each === event.currentTarget.value);
          if (chosen) onValue(chosen[0]);
        }}
      >
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface FormProps {
  /**
   * Sends it; `key` is the same for each attempt at the same thing whose outcome is not known. Throws
   * what went wrong.
   */
  readonly onSend: (key: string) => Promise<void>;
  readonly submit: string;
  /** the fields, given what was wrong with the last attempt */
  readonly children: (problem: ApiError | null) => ComponentChildren;
  /** names of fields that say themselves what is wrong with them */
  readonly fields: readonly string[];
  readonly onCancel?: () => void;
  readonly isDanger?: boolean;
}

/** A form: sends once however often it is pressed, and says what came of it. */
export function Form(props: FormProps) {
  const { onSend, submit, children, fields, onCancel, isDanger = false } = props;
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  /** the key of each content that was sent, and of which it is not known what came of it */
  const keys = useRef(new Map<string, string>());
  const form = useRef<HTMLFormElement>(null);
  const problem = error instanceof ApiError ? error : null;
  const unsaid = problem?.errors.filter(({ field }) => !fields.includes(field)) ?? [];
  const isAllSaid = problem !== null && problem.errors.length > 0 && unsaid.length === 0;

  const send = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setError(null);
    const content = contentOf(form.current);
    const key = keys.current.get(content) ?? newKey();
    keys.current.set(content, key);
    try {
      await onSend(key);
      keys.current.delete(content);
    } catch (reason) {
      // An answer is remembered under its key: what is sent after it is another request.
      if (reason instanceof ApiError && reason.isFinal) keys.current.delete(content);
      setError(reason);
      // Once the fields say what is wrong, the first of them gets the focus.
      setTimeout(() => form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
    } finally {
      setBusy(false);
    }
  };
  return (
    <form ref={form} onSubmit={send} noValidate>
      {children(problem)}
      <div role="alert">
        {error !== null && !isAllSaid && (
          <p class="wrong box">
            {sentenceOf(error)}
            {unsaid.map(({ field, message }) => (
              <span key={field} class="block">
                {field} {message}
              </span>
            ))}
          </p>
        )}
      </div>
      <div class="row end">
        {onCancel && (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" class={isDanger ? 'danger' : 'primary'} disabled={isBusy}>
          {isBusy ? 'One moment …' : submit}
        </button>
      </div>
    </form>
  );
}

/** What somebody has put into a form: another content is another request. */
function contentOf(form: HTMLFormElement | null): string {
  const fields = [...(form?.querySelectorAll('input, select, textarea') ?? [])];
  return JSON.stringify(
    fields.map((field) => {
      if (field instanceof HTMLInputElement && field.type === 'checkbox') return field.checked;
      return (field as HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement).value;
    }),
  );
}

/** Text as a whole number where it is one; else as it is, so that the API says what is wrong. */
export function toNumber(text: string): number | string {
  const trimmed = text.trim();
  return /^-?\d{1,15}$/.test(trimmed) ? Number(trimmed) : trimmed;
}

/** The same, where nothing means none. */
export const toNumberOrNull = (text: string) => (text.trim() === '' ? null : toNumber(text));
export const toTextOrNull = (text: string) => (text.trim() === '' ? null : text.trim());
