import { Counter, type Registry } from 'prom-client';
import { ORDER_STATUSES, type OrderStatus } from '../machines/order.js';

/** What becomes of orders. */
export interface OrderMetrics {
  /** Counts an order that got this status. */
  orderTurned(status: OrderStatus): void;
}

export function createOrderMetrics(registry: Registry): OrderMetrics {
  const turned = new Counter({
    name: 'availability_orders_turned_total',
    help: 'Orders that got a status, by status.',
    labelNames: ['status'],
    registers: [registry],
  });
  for (const status of ORDER_STATUSES) if (status !== 'pending') turned.inc({ status }, 0);
  return { orderTurned: (status) => turned.inc({ status }) };
}
