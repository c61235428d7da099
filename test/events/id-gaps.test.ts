import { describe, expect, it } from '@jest/globals';
import { IdGaps } from '../../src/events/id-gaps.js';

const gaps = (stride = 1) =>
  new IdGaps({ seen: 10, missing: [] }, { nowMs: 0, keptMs: 1_000, stride });

describe('the ids that were passed over', () => {
  it('are remembered, and found one by one', () => {
    const ids = gaps();
    ids.saw([11, 16, 18], 0);
    expect(ids.reading).toEqual({
      seen: 18,
      missing: [
        { from: 12, to: 15 },
        { from: 17, to: 17 },
      ],
    });
    ids.saw([13, 17, 19], 0);
    expect(ids.reading).toEqual({
      seen: 19,
      missing: [
        { from: 12, to: 12 },
        { from: 14, to: 15 },
      ],
    });
    ids.saw([12, 14, 15], 0);
    expect(ids.reading.missing).toEqual([]);
  });

  it('are given up on once no transaction can be that old', () => {
    const ids = gaps();
    ids.saw([12], 0);
    ids.saw([14], 500);
    ids.forget(999);
    expect(ids.reading.missing).toHaveLength(2);
    ids.forget(1_000);
    expect(ids.reading.missing).toEqual([{ from: 13, to: 13 }]);
  });

  it('are no gaps where several writers share the ids between them', () => {
    const ids = gaps(3);
    ids.saw([13, 16, 22], 0);
    expect(ids.reading.missing).toEqual([{ from: 17, to: 21 }]);
  });
});
