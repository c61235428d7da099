import { randomBytes } from 'node:crypto';
import { hashSecret } from '../../api-keys.js';
import { ANYONE } from '../caller.js';
import { endpoint, replyTo, type Surface } from '../endpoint.js';
import { iso } from '../schemas.js';
import { EventTicketReply } from './schemas.js';

const TICKET_BYTES = 32;

const createTicket = endpoint({
  method: 'post',
  path: '/api/events/ticket',
  operationId: 'createEventTicket',
  summary: 'A ticket to the stream of events, for a browser',
  description:
    '`GET /api/events` is a WebSocket of what happens: `{id, type, storeId, at, data}`, in the order ' +
    'of the commits for each product. A back end signs in there with its header; a browser, which can ' +
    'send none, with `?ticket=`, good once and for 30 seconds. `?since=<id>` first sends what was ' +
    'missed, or `{"type": "reload"}` where that is no longer kept. `?types=rental.*,product.low_stock` ' +
    'and `?productId=` narrow it. A customer is told of products and of what is its own.',
  tag: 'Events',
  roles: ANYONE,
  replies: { 201: { description: 'The ticket, shown this once.', schema: EventTicketReply } },
  problems: [],
  async handle({ core, caller, header }) {
    const ticket = randomBytes(TICKET_BYTES).toString('base64url');
    const answer = await core.send({
      ...header(),
      kind: 'create_event_ticket',
      ticket: {
        ticketHash: hashSecret(ticket),
        sub: caller.sub,
        role: caller.role,
        signedInUntil: caller.signedInUntilMs,
      },
    });
    return replyTo(answer, ({ expiresAt }, replayed) => ({
      status: 201,
      // The ticket was never stored, so a repeat can't show it again.
      body: { ticket: replayed ? null : ticket, expiresAt: iso(expiresAt) },
    }));
  },
});

export const eventSurface: Surface = { spelling: 'camelCase', endpoints: [createTicket] };
