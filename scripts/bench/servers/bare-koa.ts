import Router from '@koa/router';
import Koa from 'koa';
import { BODY_BYTES_MAX, readBody } from '../../../src/http/body.js';

/**
 * What Koa itself costs: the same routes with the same reading of bodies, an answer of the same
 * shape and size, and nothing in between.
 */
const router = new Router();

router.get('/readyz', (ctx) => {
  ctx.body = { status: 'ready' };
});

router.post('/api/rentals', async (ctx) => {
  await readBody(ctx.req, BODY_BYTES_MAX);
  ctx.status = 201;
  ctx.body = {
    id: '01a1fc92-3eae-762f-b8f3-d085e7774a30',
    store_id: 1,
    product_id: 1,
    user_id: 'bench',
    quantity: 1,
    status: 'active',
    starts_at: null,
    ends_at: null,
    order_id: null,
    reservation_id: null,
    created_at: '2026-01-01T00:00:00.000Z',
    completed_at: null,
    cancelled_at: null,
    cancel_reason: null,
    quantity_available: 99_999_999,
    availability_status: 'available',
  };
});

router.get('/api/products/:productId/availability', (ctx) => {
  ctx.body = {
    product_id: 1,
    availability_status: 'available',
    quantity: 100_000_000,
    quantity_available: 100_000_000,
    requested_quantity: 1,
    available: true,
  };
});

const app = new Koa();
app.use(router.routes());
app.listen(Number(process.env['PORT']), '127.0.0.1');
