import { describe, expect, it } from '@jest/globals';
import { DRIFT_CAUSES } from '../src/domain/drift.js';
import {
  COMMAND_KINDS,
  COMMAND_OUTCOMES,
  COMMIT_FATES,
  REFUSAL_CODES,
  RETRY_CAUSES,
} from '../src/metric-labels.js';
import { createMetrics } from '../src/metrics.js';
import { IDLE } from './helpers/gauges.js';

describe('a counter', () => {
  it.each([
    [
      'availability_commands_total',
      '{kind="rent",outcome="failed"}',
      COMMAND_KINDS.length * COMMAND_OUTCOMES.length,
    ],
    ['availability_refusals_total', '{code="out_of_stock"}', REFUSAL_CODES.length],
    ['availability_batch_retries_total', '{cause="conflict"}', RETRY_CAUSES.length],
    ['availability_commits_resolved_total', '{fate="unknown"}', COMMIT_FATES.length],
    [
      'availability_drifted_products_total',
      '{cause="over_committed",action="found"}',
      DRIFT_CAUSES.length * 2,
    ],
  ])('shows 0 before the first event, for each of its labels: %s', async (name, labels, count) => {
    const text = await createMetrics(IDLE).registry.metrics();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    expect(lines).toContain(`${name}${labels} 0`);
    expect(lines.filter((line) => line.endsWith(' 0'))).toHaveLength(count);
  });

  it('counts the first event on the line that showed 0', async () => {
    const metrics = createMetrics(IDLE);
    metrics.batchRetries.inc({ cause: 'conflict' });
    const text = await metrics.registry.metrics();
    expect(text.match(/^availability_batch_retries_total\{cause="conflict"\} .*$/gm)).toEqual([
      'availability_batch_retries_total{cause="conflict"} 1',
    ]);
  });
});
