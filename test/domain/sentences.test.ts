import { expect, it } from '@jest/globals';
import type { Reason } from '../../src/domain/refusal.js';
import { sentenceOf } from '../../src/domain/sentences.js';

const over = { code: 'invalid_transition' } as const;
const sentences: [Reason, string][] = [
  [{ ...over, held: 0, requested: 1 }, 'No units are held, and 1 was to be given back.'],
  [{ ...over, held: 1, requested: 2 }, 'Only 1 unit is held, and 2 were to be given back.'],
  [{ ...over, held: 2, requested: 3 }, 'Only 2 units are held, and 3 were to be given back.'],
  [
    { ...over, inCart: 1, requested: 2 },
    'The cart has only 1 unit of it, and 2 were to be removed.',
  ],
  [
    { ...over, action: 'release', rented: 1, requested: 2 },
    'Only 1 unit is out that could come back, and 2 were to.',
  ],
  [
    { code: 'quantity_below_committed', committed: 1, requested: 0 },
    '1 unit is out or held, and 0 would not cover it.',
  ],
  [
    { code: 'quantity_below_committed', committed: 3, requested: 2 },
    '3 units are out or held, and 2 would not cover them.',
  ],
  [
    { code: 'hold_limit_reached', limit: 1 },
    'A customer may have 1 hold at once. Give one back, or check out first.',
  ],
  [
    { ...over, reservationStatus: 'confirmed', action: 'confirm' },
    'The reservation is confirmed already.',
  ],
  [
    { ...over, reservationStatus: 'confirmed', action: 'release' },
    'The reservation is confirmed and can not be released any more.',
  ],
  [{ ...over, status: 'completed', action: 'complete' }, 'The rental is completed already.'],
  [
    { ...over, status: 'completed', action: 'cancel' },
    'The rental is completed and can not be cancelled any more.',
  ],
];

it.each(sentences)('%j reads well', (reason, sentence) => {
  expect(sentenceOf(reason)).toBe(sentence);
});
