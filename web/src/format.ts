const numbers = new Intl.NumberFormat('en');
const times = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const clocks = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' });
const days = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' });
const months = new Intl.DateTimeFormat('en-GB', {
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
});

export const formatNumber = (value: number) => numbers.format(value);

/** With its sign, for what changed. */
export const formatChange = (value: number) =>
  value > 0 ? `+${numbers.format(value)}` : value < 0 ? `−${numbers.format(-value)}` : '0';

/** A time in the reader's own zone. */
export const formatTime = (iso: string) => times.format(new Date(iso));
/** A day as the reports have them, in UTC: `2026-11-21`, or an instant in it. */
export const formatDay = (iso: string) => days.format(new Date(iso));
/** A month, like `2026-11`. */
export const formatMonth = (month: string) => months.format(new Date(`${month}-01`));

/** The seven days of a week after ISO 8601, like `2026-W47`. */
export function formatWeek(week: string): string {
  const [year = 0, number = 1] = week.split('-W').map(Number);
  // The fourth of January is in the first one, which begins with its Monday.
  const fourth = Date.UTC(year, 0, 4);
  const monday = fourth + ((number - 1) * 7 - ((new Date(fourth).getUTCDay() + 6) % 7)) * DAY_MS;
  return `${days.format(monday)} to ${days.format(monday + 6 * DAY_MS)}`;
}

const UNITS = [
  ['day', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

export const DAY_MS = 86_400_000;

const shortDays = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** Times on an axis, in seconds since 1970: days where they lie so far apart, else the clock. */
export function formatAxis(seconds: readonly number[], stepSeconds: number): string[] {
  return seconds.map((each) => {
    const at = new Date(each * 1000);
    const isMidnight = at.getHours() === 0 && at.getMinutes() === 0;
    return stepSeconds * 1000 >= DAY_MS || isMidnight ? shortDays.format(at) : clocks.format(at);
  });
}

/** `in 5 min`, `2 days ago`. */
export function formatSpan(iso: string, nowMs = Date.now()): string {
  const seconds = Math.round((Date.parse(iso) - nowMs) / 1000);
  const found = UNITS.find(([, each]) => Math.abs(seconds) >= each);
  if (!found) return 'now';
  const [unit, size] = found;
  const n = Math.floor(Math.abs(seconds) / size);
  const span = unit === 'day' ? counted(n, unit) : `${n} ${unit}`;
  return seconds > 0 ? `in ${span}` : `${span} ago`;
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

/** Less than an hour in minutes: little is not nothing. */
export const formatHours = (hours: number) =>
  hours > 0 && hours < 1 ? `${Math.ceil(hours * 60)} min` : `${formatNumber(Math.round(hours))} h`;
