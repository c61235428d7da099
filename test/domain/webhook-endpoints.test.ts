import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Command, CommandHeader } from '../../src/domain/command.js';
import { isKnownPattern, matchesPattern } from '../../src/domain/event-patterns.js';
import type { KeptWebhookEndpoint } from '../../src/domain/webhook-endpoint.js';
import { ModelStore, WEBHOOK_ENDPOINTS_MAX } from '../helpers/model-store.js';

const HOUR_MS = 3_600_000;
const UNKNOWN = { ok: false, refusal: { code: 'webhook_endpoint_not_found' } };

const HEADER: CommandHeader = { id: 'c', storeId: 1, actor: 'ann', idempotency: null };
const NAMED = { ...HEADER, endpointId: 'e' };
const failing = { ...NAMED, kind: 'disable_webhook_endpoint', reason: 'failing' } as const;

describe('a webhook endpoint', () => {
  let store: ModelStore;
  const run = (command: Command) => store.run([command])[0]?.outcome;
  const kept = () => store.webhookEndpoints.get('e');
  const put = (given: Partial<KeptWebhookEndpoint>) => {
    const row = kept();
    if (row) store.webhookEndpoints.set('e', { ...row, ...given });
  };

  beforeEach(() => {
    store = new ModelStore();
    const endpoint = { id: 'e', url: 'https://a.example/', events: ['*'], secret: 'whsec_1' };
    run({ ...HEADER, kind: 'create_webhook_endpoint', endpoint });
  });

  it('is shown without its secrets, whatever is done to it', () => {
    const changes = { secret: 'whsec_2', events: ['rental.*'] };
    const outcome = run({ ...NAMED, kind: 'update_webhook_endpoint', changes });
    expect(outcome).toMatchObject({ ok: true, value: { id: 'e', events: ['rental.*'] } });
    expect(JSON.stringify(outcome)).not.toContain('whsec_');
    expect(kept()).toMatchObject({
      secret: 'whsec_2',
      previousSecret: 'whsec_1',
      previousSecretUntil: store.now + 24 * HOUR_MS,
    });
  });

  it('is one of so many of a store, those that are off as well, and none too many in a batch', () => {
    const create = (id: string, storeId = 1): Command => ({
      ...HEADER,
      id,
      storeId,
      kind: 'create_webhook_endpoint',
      endpoint: { id, url: 'https://a.example/', events: ['*'], secret: 'whsec_1' },
    });
    put({ disabledReason: 'by_hand' });
    const remove = { ...NAMED, kind: 'delete_webhook_endpoint' } as const;
    const batch = [create('f'), create('g'), create('h'), create('i', 2), remove, create('j')];
    const told = (commands: Command[]) =>
      store.run(commands).map(({ outcome }) => (outcome.ok ? 'done' : outcome.refusal));
    const tooMany = { code: 'webhook_endpoint_limit_reached', limit: WEBHOOK_ENDPOINTS_MAX };
    expect(told(batch)).toEqual(['done', 'done', tooMany, 'done', 'done', 'done']);
    expect(told([create('k')])).toEqual([tooMany]);
  });

  it('is switched off and on by hand', () => {
    const enable = (enabled: boolean) =>
      run({ ...NAMED, kind: 'update_webhook_endpoint', changes: { enabled } });
    expect(enable(false)).toMatchObject({ value: { disabledReason: 'by_hand' } });
    put({ disabledReason: 'gone', failingSince: 1 });
    expect(enable(false)).toMatchObject({ value: { disabledReason: 'gone', failingSince: 1 } });
    expect(enable(true)).toMatchObject({ value: { disabledReason: null, failingSince: null } });
    expect(store.events).toEqual([]);
  });

  it.each<[string, Partial<KeptWebhookEndpoint>, number, boolean]>([
    ['has failed for a day', {}, 24 * HOUR_MS, true],
    ['has failed for less than a day', {}, 24 * HOUR_MS - 1, false],
    ['was given another URL meanwhile', { url: 'https://b.example/' }, 25 * HOUR_MS, false],
    ['is switched off already', { disabledReason: 'by_hand' }, 25 * HOUR_MS, false],
  ])('for failing, where it %s', (_, given, failedForMs, isDisabled) => {
    put({ failingSince: store.now - failedForMs, ...given });
    const outcome = run({ ...failing, url: 'https://a.example/' });
    expect(outcome).toEqual({ ok: true, value: { disabled: isDisabled } });
    expect(store.events.map(({ type, data }) => [type, data['disabledReason']])).toEqual(
      isDisabled ? [['webhook_endpoint.disabled', 'failing']] : [],
    );
    expect(JSON.stringify(store.events)).not.toContain('whsec_');
  });

  it('is not there for another store, nor once it is deleted', () => {
    const gone: Command[] = [
      { ...NAMED, kind: 'update_webhook_endpoint', changes: {} },
      { ...NAMED, kind: 'retry_webhook_delivery', deliveryId: 'd' },
      { ...failing, url: 'https://a.example/' },
      { ...NAMED, kind: 'delete_webhook_endpoint' },
    ];
    for (const command of gone) expect(run({ ...command, storeId: 2 })).toEqual(UNKNOWN);
    expect(run({ ...NAMED, kind: 'delete_webhook_endpoint' })).toMatchObject({ ok: true });
    for (const command of gone) expect(run(command)).toEqual(UNKNOWN);
  });
});

describe('a pattern of types', () => {
  it.each([
    ['*', 'order.failed', true],
    ['rental.*', 'rental.created', true],
    ['rental.*', 'reservation.created', false],
    ['rental.created', 'rental.created', true],
    ['rental.created', 'rental.completed', false],
  ] as const)('%s for %s: %s', (pattern, type, isMeant) => {
    expect(matchesPattern(pattern, type)).toBe(isMeant);
    expect(isKnownPattern(pattern)).toBe(true);
  });

  it.each(['', 'rental', 'rental.', '.*', 'rent*', 'rental.lost', '**', 'nothing.*'])(
    '%s stands for nothing',
    (pattern) => expect(isKnownPattern(pattern)).toBe(false),
  );
});
