import { useId, useRef, useState } from 'preact/hooks';
import { newKey, sentenceOf } from '../api/client';
import { counted, formatNumber } from '../format';
import { hrefOf } from '../router';
import { announce } from '../ui/announce';
import { PageTitle, Table } from '../ui/parts';
import { type BadLine, COLUMNS, importAll, type Preview, preview } from './import-file';

type Step =
  | { readonly is: 'choosing' }
  | { readonly is: 'checking'; readonly done: number; readonly of: number }
  /** `made`: so many were made when it stopped half way; null: none were sent */
  | { readonly is: 'checked'; readonly preview: Preview; readonly made: number | null }
  | { readonly is: 'importing'; readonly done: number; readonly of: number }
  | { readonly is: 'done'; readonly made: number; readonly bad: readonly BadLine[] };

const SHOWN = 200;

/** Products from a file: first what is in it and what is wrong, then, where it is wanted, all of it. */
export function Import() {
  const [step, setStep] = useState<Step>({ is: 'choosing' });
  const [error, setError] = useState<unknown>(null);
  const [publish, setPublish] = useState(true);
  const [file, setFile] = useState<File | null>(null);
  const key = useRef(newKey());
  const input = useId();

  const check = async (chosen: File, isPublished: boolean) => {
    setError(null);
    setStep({ is: 'checking', done: 0, of: 0 });
    try {
      const found = await preview(chosen, { publish: isPublished }, (done, of) =>
        setStep({ is: 'checking', done, of }),
      );
      key.current = newKey();
      setStep({ is: 'checked', preview: found, made: null });
    } catch (reason) {
      setError(reason);
      setStep({ is: 'choosing' });
    }
  };
  const send = async (found: Preview) => {
    const { good } = found;
    let done = 0;
    setError(null);
    setStep({ is: 'importing', done: 0, of: good.length });
    try {
      const { made, bad } = await importAll(good, key.current, (madeSoFar) => {
        done = madeSoFar;
        setStep({ is: 'importing', done, of: good.length });
      });
      announce(`${counted(made, 'product')} made.`);
      setStep({ is: 'done', made, bad });
    } catch (reason) {
      setError(reason);
      // With the same key again nothing is made twice.
      setStep({ is: 'checked', preview: found, made: done });
    }
  };

  const isBusy = step.is === 'checking' || step.is === 'importing';
  return (
    <>
      <PageTitle title="Import products" />
      <div class="panel">
        <p class="quiet">
          CSV, UTF-8, with commas; the first line names the columns:{' '}
          <code>{COLUMNS.join(', ')}</code>. The first, second and third are needed. Nothing is made
          before you have seen what is wrong.
        </p>
        <div class="field">
          <label for={input}>File</label>
          <input
            id={input}
            type="file"
            accept=".csv,text/csv"
            disabled={isBusy}
            onChange={(event) => {
              const chosen = event.currentTarget.files?.[0] ?? null;
              setFile(chosen);
              if (chosen) void check(chosen, publish);
            }}
          />
        </div>
        <label class="check">
          <input
            type="checkbox"
            checked={publish}
            disabled={isBusy}
            onChange={(event) => {
              const isPublished = event.currentTarget.checked;
              setPublish(isPublished);
              if (file && step.is === 'checked') void check(file, isPublished);
            }}
          />
          Publish those for which the file does not say
        </label>
        <div role="alert">{error !== null && <p class="wrong box">{sentenceOf(error)}</p>}</div>
        <p role="status">{progressOf(step)}</p>
        {isBusy && <progress max={step.of || 1} value={step.done} aria-label="Progress" />}
      </div>
      {step.is === 'checked' && (
        <Checked
          preview={step.preview}
          isBegun={step.made !== null}
          onImport={() => void send(step.preview)}
        />
      )}
      {step.is === 'done' && (
        <div class="panel">
          {step.bad.length > 0 && <BadLines bad={step.bad} />}
          <a class="button primary" href={hrefOf('/products')}>
            To the products
          </a>
        </div>
      )}
    </>
  );
}

function progressOf(step: Step): string {
  switch (step.is) {
    case 'choosing':
      return '';
    case 'checking':
      return `Checked ${formatNumber(step.done)} of ${formatNumber(step.of)} lines …`;
    case 'checked': {
      const { good, bad } = step.preview;
      if (step.made !== null) {
        const made = `${formatNumber(step.made)} of ${counted(good.length, 'product')}`;
        return `It stopped half way: at least ${made} are made. Sent again, none is made twice.`;
      }
      return `${counted(good.length, 'product')} can be made, ${counted(bad.length, 'line')} can not.`;
    }
    case 'importing':
      return `Made ${formatNumber(step.done)} of ${formatNumber(step.of)} …`;
    case 'done':
      return `${counted(step.made, 'product')} made.`;
  }
}

interface CheckedProps {
  readonly preview: Preview;
  /** some of it may be made already */
  readonly isBegun: boolean;
  readonly onImport: () => void;
}

function Checked({ preview: found, isBegun, onImport }: CheckedProps) {
  const { good, bad, unknownColumns } = found;
  const columns = COLUMNS.filter((column) => good.some(({ body }) => column in body));
  return (
    <div class="panel">
      {unknownColumns.length > 0 && (
        <p class="box">
          Columns that a product does not have are left out: {unknownColumns.join(', ')}.
        </p>
      )}
      {bad.length > 0 && <BadLines bad={bad} />}
      {good.length > 0 && (
        <>
          <h2>{isBegun ? 'What was to be made' : 'What would be made'}</h2>
          <Table label="Products that can be made">
            <thead>
              <tr>
                <th class="number">Line</th>
                {columns.map((column) => (
                  <th key={column}>{column}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {good.slice(0, SHOWN).map(({ line, body }) => (
                <tr key={line}>
                  <td class="number">{line}</td>
                  {columns.map((column) => (
                    <td key={column}>{String(body[column] ?? '')}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </Table>
          {good.length > SHOWN && <p class="quiet">The first {SHOWN} are shown.</p>}
          <div class="row end">
            <button type="button" class="primary" onClick={onImport}>
              {isBegun ? 'Make the rest' : sayMake(found)}
            </button>
          </div>
        </>
      )}
    </div>
  );
}

function sayMake({ good, bad }: Preview): string {
  const make = `Make ${counted(good.length, 'product')}`;
  return bad.length === 0 ? make : `${make}, leave ${counted(bad.length, 'line')} out`;
}

function BadLines({ bad }: { bad: readonly BadLine[] }) {
  return (
    <>
      <h2>What is wrong</h2>
      <Table label="Lines that can not be taken">
        <thead>
          <tr>
            <th class="number">Line</th>
            <th>What is wrong with it</th>
          </tr>
        </thead>
        <tbody>
          {bad.slice(0, SHOWN).map(({ line, reason }) => (
            <tr key={line}>
              <td class="number">{line}</td>
              <td class="wrong">{reason}</td>
            </tr>
          ))}
        </tbody>
      </Table>
      {bad.length > SHOWN && <p class="quiet">The first {SHOWN} are shown.</p>}
    </>
  );
}
