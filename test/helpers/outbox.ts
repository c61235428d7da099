import { expect } from '@jest/globals';
import type { Database } from '../../src/persistence/database.js';
import { type OutboxEntry, readEntries, readLag } from '../../src/persistence/outbox.js';
import { integer, text } from '../../src/persistence/rows.js';
import { eventually } from './recorder.js';

/** Kinds of lines that are an event whatever they did. */
const TELLING = [
  'rent',
  'cancel',
  'complete',
  'reserve',
  'change_hold',
  'extend',
  'confirm',
  'release',
  'expire',
];

/** All that was told, after checks on what always holds: no hole, each product in its order. */
export async function toldInOrder(rows: Database): Promise<OutboxEntry[]> {
  const told: OutboxEntry[] = [];
  for (;;) {
    const page = await readEntries(rows, told.at(-1)?.sequence ?? 0, 50);
    if (!page) throw new Error('the beginning of the outbox is gone');
    if (page.entries.length === 0) break;
    told.push(...page.entries);
  }
  expect(told.map(({ sequence }) => sequence)).toEqual(told.map((_, at) => at + 1));
  const last = new Map<number, number>();
  for (const { from, id, productId, sequence } of told) {
    if (from !== 'movements' || productId === null) continue;
    if (id < (last.get(productId) ?? 0)) throw new Error(`${sequence} is out of order`);
    last.set(productId, id);
  }
  return told;
}

/** Waits until everything is told, then checks that each line and row was told, and once. */
export async function expectAllTold(rows: Database): Promise<OutboxEntry[]> {
  await eventually('all is told', async () => (await readLag(rows)).lines === 0, 45_000);
  const told = await toldInOrder(rows);
  const keys = told.map(({ from, id, type }) => `${from} ${id} ${type}`);
  expect(new Set(keys).size).toBe(keys.length);

  const ids = new Set(told.filter(({ from }) => from === 'movements').map(({ id }) => id));
  const lines = await rows.select('SELECT id, kind FROM movements');
  const missed = lines.filter(
    (row) => TELLING.includes(text(row, 'kind')) && !ids.has(integer(row, 'id')),
  );
  expect(missed).toEqual([]);
  const events = await rows.select('SELECT id FROM events');
  const eventIds = told.filter(({ from }) => from === 'events').map(({ id }) => id);
  expect([...eventIds].sort((a, b) => a - b)).toEqual(
    events.map((row) => integer(row, 'id')).sort((a, b) => a - b),
  );
  return told;
}
