import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Mailbox } from '../../src/actors/mailbox.js';

describe('a mailbox', () => {
  it('is a first-in-first-out queue with a bound, whatever is put in and taken out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.boolean()), (max, puts) => {
        const mailbox = new Mailbox<number>(max);
        const model: number[] = [];
        puts.forEach((isPut, i) => {
          if (!isPut) expect(mailbox.take()).toBe(model.shift());
          else if (model.length < max) model.push(mailbox.enqueue(i) ?? i);
          else expect(() => mailbox.enqueue(i)).toThrow(RangeError);
          expect(mailbox.size).toBe(model.length);
          expect(mailbox.isFull).toBe(model.length === max);
          expect(mailbox.peek()).toBe(model[0]);
        });
      }),
    );
  });
});
