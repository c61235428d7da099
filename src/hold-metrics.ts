import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Changes, EndedHold } from './domain/changes.js';

/** What becomes of holds, and how long it takes to be written down. */
export interface HoldMetrics {
  /** Counts the holds that a batch ended, and the units of holds that it made rentals of. */
  holdsChanged(changes: Pick<Changes, 'endedHolds' | 'movements'>): void;
  /** Observes a cleanup of holds that were due. */
  cleanupEnded(run: { ms: number; batches: number; errors: number }): void;
}

export function createHoldMetrics(registry: Registry): HoldMetrics {
  const registers = [registry];
  const ended = new Counter({
    name: 'availability_holds_ended_total',
    help: 'Holds that are over, by how they ended.',
    labelNames: ['outcome'],
    registers,
  });
  const outcomes: readonly EndedHold['status'][] = ['confirmed', 'released', 'expired'];
  for (const outcome of outcomes) ended.inc({ outcome }, 0);
  const converted = new Counter({
    name: 'availability_held_units_rented_total',
    help: 'Units of holds that became rentals, also where the rest stayed held.',
    registers,
  });
  const overdue = new Histogram({
    name: 'availability_hold_overdue_seconds',
    help: 'Time from when a hold was due to when it was written down as expired.',
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 600, 1800, 3600, 14_400, 86_400],
    registers,
  });
  const cleanupDuration = new Histogram({
    name: 'availability_cleanup_duration_seconds',
    help: 'Time of a cleanup of holds that were due.',
    buckets: [0.01, 0.1, 0.5, 1, 5, 15, 60, 300],
    registers,
  });
  const cleanupBatches = new Counter({
    name: 'availability_cleanup_batches_total',
    help: 'Commands in which cleanups ended holds.',
    registers,
  });
  const cleanupErrors = new Counter({
    name: 'availability_cleanup_errors_total',
    help: 'Products whose due holds a cleanup could not end.',
    registers,
  });
  const cleanupTime = new Gauge({
    name: 'availability_last_cleanup_timestamp_seconds',
    help: 'When the last cleanup of this copy ended; 0 where there was none yet.',
    registers,
  });

  return {
    holdsChanged({ endedHolds, movements }) {
      for (const { status, overdueMs } of endedHolds) {
        ended.inc({ outcome: status });
        if (status === 'expired') overdue.observe(overdueMs / 1000);
      }
      for (const { kind, delta } of movements) {
        if (kind === 'confirm') converted.inc(delta.quantityRented);
      }
    },
    cleanupEnded({ ms, batches, errors }) {
      cleanupDuration.observe(ms / 1000);
      cleanupBatches.inc(batches);
      cleanupErrors.inc(errors);
      cleanupTime.setToCurrentTime();
    },
  };
}
