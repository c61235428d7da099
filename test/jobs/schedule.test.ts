import { Writable } from 'node:stream';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { pino } from 'pino';
import { firstTick, schedule } from '../../src/jobs/schedule.js';
import { eventually } from '../helpers/recorder.js';

const CONSOLE = ['info', 'warn', 'error', 'debug'] as const;

afterEach(() => {
  jest.restoreAllMocks();
});

it('says in the log, and nowhere else, that ticks were missed or a job failed, and goes on', async () => {
  const said = CONSOLE.map((name) => jest.spyOn(console, name).mockImplementation(() => {}));
  const lines: string[] = [];
  const stream = new Writable({
    write(line, _encoding, done) {
      lines.push(String(line));
      done();
    },
  });
  let runs = 0;
  const task = schedule(
    '* * * * * *',
    () => {
      runs++;
      if (runs === 1) throw new Error('of its first run');
    },
    { log: pino({ level: 'debug' }, stream) },
  );
  try {
    await eventually('its first run', () => runs === 1);
    const untilMs = performance.now() + 2_500;
    while (performance.now() < untilMs);
    await eventually('a run after the ticks that were missed', () => runs >= 2);
  } finally {
    await task.destroy();
  }
  expect(lines.filter((line) => line.includes('a job missed its time')).length).toBeGreaterThan(0);
  expect(lines.filter((line) => line.includes('of its first run'))).toHaveLength(1);
  expect(said.flatMap(({ mock }) => mock.calls)).toEqual([]);
});

describe('the first tick within a time', () => {
  // A Saturday.
  const from = Date.parse('2026-11-21');
  const to = Date.parse('2026-11-24T12:00:00Z');

  it.each([
    ['0 6 * * *', '2026-11-21T06:00:00Z'],
    ['*/20 30 6,18 * * *', '2026-11-21T06:30:00Z'],
    ['0 12 * * 2', '2026-11-24T12:00:00Z'],
    ['0 6 * * 1-5', '2026-11-23T06:00:00Z'],
    ['0 6 22 11 *', '2026-11-22T06:00:00Z'],
  ])('of %s is %s', (cron, tick) => {
    expect(firstTick(cron, { from, to })).toBe(Date.parse(tick));
  });

  it.each(['0 13 * * 2', '0 6 1 * *', '0 0 * 12 *'])('of %s is none', (cron) => {
    expect(firstTick(cron, { from, to })).toBeNull();
  });
});
