import type { Follower } from '../events/follower.js';
import { insertNotices, type Notice, readSupplierEmails } from '../persistence/mails.js';
import { isMailed } from './digest.js';

/**
 * Notes who is to be told by mail of what: ALERT_EMAIL of all that mail is sent of, whoever supplies
 * a product when it is low. Mails are made of it elsewhere.
 */
export function mailNotices(alertEmails: readonly string[]): Follower {
  return {
    name: 'mail',
    wants: ({ type }) => isMailed(type) && (alertEmails.length > 0 || type === 'product.low_stock'),
    async take(events, connection) {
      const low = events.filter(({ type }) => type === 'product.low_stock');
      const suppliers = await readSupplierEmails(
        connection,
        low.flatMap(({ productId }) => productId ?? []),
      );
      const notices = events.flatMap(({ sequence, type, productId, message }): Notice[] => {
        const supplier = type === 'product.low_stock' ? suppliers.get(productId ?? 0) : undefined;
        const recipients = new Set([...alertEmails, ...(supplier === undefined ? [] : [supplier])]);
        const event = JSON.stringify(message);
        return [...recipients].map((recipient) => ({ recipient, eventId: sequence, event }));
      });
      await insertNotices(connection, notices);
    },
  };
}
