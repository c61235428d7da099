const numbers = new Intl.NumberFormat('en');
const times = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const clocks = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' });
const spans = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

export const formatNumber = (value: number) => numbers.format(value);

/** With its sign, for what changed. */
export const formatChange = (value: number) =>
  value > 0 ? `+${numbers.format(value)}` : value < 0 ? `−${numbers.format(-value)}` : '0';

/** A time in the reader's own zone. */
export const formatTime = (iso: string) => times.format(new Date(iso));
export const formatClock = (iso: string) => clocks.format(new Date(iso));

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** `in 5 min`, `2 days ago`. */
export function formatSpan(iso: string, nowMs = Date.now()): string {
  const seconds = Math.round((Date.parse(iso) - nowMs) / 1000);
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 1];
  return spans.format(Math.trunc(seconds / size), unit);
}

/** Minor units of a currency, as money. */
export function formatMoney(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const places = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** places);
}

/** `rented_out` as it is read. */
export const formatWord = (word: string) => word.replaceAll('_', ' ').replaceAll('.', ' ');

export const counted = (n: number, one: string, many = `${one}s`) =>
  `${formatNumber(n)} ${n === 1 ? one : many}`;

/** 0.123 as 12.3 %; null: not to be said. */
export const formatShare = (share: number | null) =>
  share === null ? '–' : `${(share * 100).toFixed(1)} %`;

export const formatHours = (hours: number) => `${formatNumber(Math.round(hours))} h`;
