import { z } from 'zod';
import type { EventType } from '../domain/event.js';
import type { NewMail, Notice } from '../persistence/mails.js';

/** What mail is sent of, and what each is called. */
const TITLES = {
  'order.refund_required': 'Refund required',
  'drift.found': 'Drift',
  'product.out_of_stock': 'Out of stock',
  'product.low_stock': 'Low stock',
  'product.back_in_stock': 'Back in stock',
} as const satisfies Partial<Record<EventType, string>>;
export type MailedType = keyof typeof TITLES;
/** the gravest first */
const MAILED_TYPES = Object.keys(TITLES) as MailedType[];

export function isMailed(type: EventType): type is MailedType {
  return type in TITLES;
}

/** An event as far as mail shows it. A field that is not there is left out. */
const MailedEvent = z.object({
  type: z.enum(MAILED_TYPES),
  storeId: z.int(),
  at: z.string(),
  data: z.record(z.string(), z.unknown()),
});
type MailedEvent = z.infer<typeof MailedEvent>;

interface Row {
  readonly type: MailedType;
  readonly name: string;
  readonly detail: string;
  readonly storeId: number;
  readonly at: string;
}

/**
 * One mail of all that somebody is to be told, one row for each. Of a product whose stock crossed a
 * line more than once, the last crossing is what counts.
 */
export function digestOf(
  notices: readonly Notice[],
  { recipient, isSupplier }: { recipient: string; isSupplier: boolean },
): NewMail {
  const rows = new Map<string, Row>();
  for (const { eventId, event } of notices) {
    const read = MailedEvent.parse(JSON.parse(event));
    const product = read.type.startsWith('product.') ? read.data['variantId'] : undefined;
    const key = product === undefined ? `event ${eventId}` : `${read.storeId} ${product}`;
    // The last one stands where it came, not where the first one did.
    rows.delete(key);
    rows.set(key, rowOf(read));
  }
  const byGravity = (a: Row, b: Row) => MAILED_TYPES.indexOf(a.type) - MAILED_TYPES.indexOf(b.type);
  const sorted = [...rows.values()].sort(byGravity);
  const intro = isSupplier
    ? 'These products that you supply are running low:'
    : 'This is what the availability service has to tell:';
  return {
    recipient,
    subject: subjectOf(sorted),
    text: textOf(intro, sorted),
    html: htmlOf(intro, sorted),
    name: `event-${notices[0]?.eventId ?? 0}.${notices.length}`,
  };
}

function rowOf({ type, storeId, at, data }: MailedEvent): Row {
  const row = { type, storeId, at };
  switch (type) {
    case 'order.refund_required':
      return { ...row, name: `Order ${shown(data['id'])}`, detail: moneyOf(data) };
    case 'drift.found': {
      const what = data['dryRun'] === true ? 'found' : 'found and repaired';
      return {
        ...row,
        name: `Product ${shown(data['productId'])}`,
        detail: `${what}: ${shown(data['cause']).replaceAll('_', ' ')}`,
      };
    }
    default: {
      const { quantityAvailable, quantity } = data;
      const units = quantity === 1 ? '1 unit' : `${shown(quantity)} units`;
      const free = `${shown(quantityAvailable)} of ${units} ${quantityAvailable === 1 ? 'is' : 'are'} free`;
      const line = data['threshold'] === undefined ? '' : ` (low at ${shown(data['threshold'])})`;
      return {
        ...row,
        name: `${shown(data['name'])} (${shown(data['sku'])})`,
        detail: free + line,
      };
    }
  }
}

const shown = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '?';

/** Minor units as people write them. */
function moneyOf({ amount, currency }: Readonly<Record<string, unknown>>): string {
  if (typeof amount !== 'number' || typeof currency !== 'string' || !/^[A-Z]{3}$/i.test(currency)) {
    return 'give the money back';
  }
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return `give ${format.format(amount / 10 ** digits)} back`;
}

function subjectOf(rows: readonly Row[]): string {
  const [only] = rows;
  if (only && rows.length === 1) return `${TITLES[only.type]}: ${only.name}`;
  const counts = MAILED_TYPES.flatMap((type) => {
    const count = rows.filter((row) => row.type === type).length;
    return count === 0 ? [] : [`${count} × ${TITLES[type].toLowerCase()}`];
  });
  return counts.join(', ');
}

function textOf(intro: string, rows: readonly Row[]): string {
  const lines = rows.map(
    ({ type, name, detail, storeId, at }) =>
      `${TITLES[type]}: ${name}\n  ${detail}. Store ${storeId}, ${timeOf(at)}`,
  );
  return `${intro}\n\n${lines.join('\n\n')}\n`;
}

function htmlOf(intro: string, rows: readonly Row[]): string {
  const cell = (text: string) => `<td style="padding: 4px 12px 4px 0">${escapeHtml(text)}</td>`;
  const lines = rows.map(
    ({ type, name, detail, storeId, at }) =>
      `<tr>${[TITLES[type], name, detail, `Store ${storeId}`, timeOf(at)].map(cell).join('')}</tr>`,
  );
  return (
    '<!doctype html><html lang="en"><body style="font-family: sans-serif">' +
    `<p>${escapeHtml(intro)}</p><table style="border-collapse: collapse">${lines.join('')}</table>` +
    '</body></html>'
  );
}

/** `2026-11-21T05:26:45.167Z` to the second, as people read it. */
const timeOf = (at: string) => `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in HTML, also in an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}
