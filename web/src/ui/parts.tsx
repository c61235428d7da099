import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { sentenceOf } from '../api/client';
import type { Asked } from '../api/hooks';
import { formatNumber, formatTime, formatWord } from '../format';
import { hrefOf } from '../router';

/** A page's heading; it gets the focus, so that a screen reader begins there. */
export function PageTitle({ title, children }: { title: string; children?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Rental availability`;
  }, [title]);
  useLayoutEffect(() => {
    // Only where the page changed: at the first look the reader begins at the top by itself.
    if (hasBeenShown) heading.current?.focus();
    hasBeenShown = true;
  }, []);
  return (
    <div class="title row between">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <div class="row">{children}</div>
    </div>
  );
}
let hasBeenShown = false;

export function Link({ to, children }: LinkProps) {
  return <a href={hrefOf(to)}>{children}</a>;
}
interface LinkProps {
  readonly to: string;
  readonly children: ComponentChildren;
}

const TONES: Readonly<Record<string, string>> = {
  available: 'good',
  active: 'good',
  confirmed: 'good',
  finished: 'good',
  reserved: 'held',
  pending: 'held',
  running: 'held',
  rented_out: 'out',
  overdue: 'bad',
  refund_required: 'bad',
  failed: 'bad',
};

export function Status({ of }: { of: string }) {
  return <span class={`status ${TONES[of] ?? ''}`}>{formatWord(of)}</span>;
}

export function Time({ at }: { at: string }) {
  return <time dateTime={at}>{formatTime(at)}</time>;
}

interface FigureProps {
  readonly label: string;
  readonly value: number | null;
  readonly tone?: string;
  readonly to?: string;
}

/** A figure with its name; null: not known yet. */
export function Figure({ label, value, tone = '', to }: FigureProps) {
  const text = value === null ? '–' : formatNumber(value);
  return (
    <div class={`figure ${tone}`}>
      <dt>{label}</dt>
      <dd>{to === undefined ? text : <Link to={to}>{text}</Link>}</dd>
    </div>
  );
}

/** Owned units as a bar: free, held, out. */
export function UnitsBar(props: { free: number; held: number; out: number }) {
  const total = Math.max(1, props.free + props.held + props.out);
  const parts = (['free', 'held', 'out'] as const).filter((part) => props[part] > 0);
  const text = `${props.free} free, ${props.held} held, ${props.out} out`;
  return (
    <span class="bar" role="img" aria-label={text} title={text}>
      {parts.map((part) => (
        <span key={part} class={part} style={{ flexGrow: props[part] / total }} />
      ))}
    </span>
  );
}

/** What is said instead of rows: that they are asked for, could not be had, or that there are none. */
export function Instead<T>({ of, empty }: { of: Asked<T>; empty: string | null }) {
  if (of.error !== null) {
    return (
      <p class="wrong box" role="alert">
        {sentenceOf(of.error)}{' '}
        <button type="button" onClick={of.reload}>
          Try again
        </button>
      </p>
    );
  }
  if (of.data === null) return <p class="quiet">Loading …</p>;
  return empty === null ? null : <p class="quiet box">{empty}</p>;
}

/** A table that scrolls in itself where it is wider than the page. */
export function Table({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="table" aria-label={label} tabIndex={0}>
      <table>{children}</table>
    </section>
  );
}

interface PagerProps {
  readonly page: number;
  readonly hasMore: boolean;
  readonly onPage: (page: number) => void;
}

export function Pager({ page, hasMore, onPage }: PagerProps) {
  if (page === 0 && !hasMore) return null;
  return (
    <nav class="pager row" aria-label="Pages">
      <button type="button" disabled={page === 0} onClick={() => onPage(page - 1)}>
        ← Previous
      </button>
      <span aria-live="polite">Page {formatNumber(page + 1)}</span>
      <button type="button" disabled={!hasMore} onClick={() => onPage(page + 1)}>
        Next →
      </button>
    </nav>
  );
}
