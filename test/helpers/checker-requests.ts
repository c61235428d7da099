import type { Exchange } from './checker.js';
import type { Tables } from './checker-tables.js';

/**
 * What a request may have done, by the documents of all surfaces. `*` at the end stands for any
 * product. The same words as of `effectsFound`.
 */
export function effectsOf(exchange: Exchange, tables: Tables): string[] {
  const { method, path, storeId, sub } = exchange;
  const body = exchange.body ?? {};
  const [, , surface = '', second = '', third = '', fourth = ''] =
    path.split('?')[0]?.split('/').map(decodeURIComponent) ?? [];
  const product = (name: unknown) => productNamed(tables, storeId, name);
  const rental = (order: unknown, of: unknown) => `rental ${storeId} ${order ?? null} ${of}`;
  const reserved = (cart: string, name: unknown) => [
    `reserve ${storeId} ${cart} ${product(name)}`,
    ...touched(cart, name),
  ];
  const touched = (cart: string, name: unknown) => [`touch ${storeId} ${cart} ${product(name)}`];
  const inCartOf = `user:${body['user_id'] ?? sub}`;
  const lines = (name: string) => (body[name] ?? []) as readonly Record<string, unknown>[];
  const held = tables.reservations.get(second);
  switch (`${method} ${surface} ${RESOURCES.has(second) ? second : ''}`.trim()) {
    case 'POST products':
      if (third === '') return [`product ${storeId} ${body['sku']}`];
      return [`${third} ${product(second)}`];
    case 'POST products batch':
      return lines('products').map(({ sku }) => `product ${storeId} ${sku}`);
    case 'PATCH products':
      return [`update ${product(second)}`];
    case 'POST rentals':
      if (second === '') return [rental(body['order_id'], product(body['product_id']))];
      return [`${third} ${second}`];
    case 'POST stock reserve':
      return reserved(inCartOf, body['product_id']);
    case 'POST stock release':
      return touched(inCartOf, body['product_id']);
    case 'POST stock purchase':
      return lines('items').map(({ product_id }) => rental(body['order_id'], product(product_id)));
    case 'POST cart add':
      return body['decrease_stock'] === false ? [] : reserved(inCartOf, body['product_id']);
    case 'DELETE cart remove':
      return body['increase_stock'] === false ? [] : touched(inCartOf, body['product_id']);
    case 'POST inventory reserve':
      return lines('reservations').flatMap(({ reservationId, variantId }) =>
        reserved(`checkout:${reservationId}`, variantId),
      );
    case 'POST inventory confirm-sale':
      return lines('updates').map(({ variantId }) => rental(null, product(variantId)));
    case 'POST inventory release':
      return [`touch ${storeId} checkout:${body['reservationId']} *`];
    case 'POST inventory restock':
    case 'PUT inventory adjust':
      return lines('updates').map(({ variantId }) => `${second} ${product(variantId)}`);
    case 'POST reservations':
      if (second === '') return reserved(String(body['cartId']), body['resellerProductId']);
      return held ? [rental(body['orderId'], held.product_id)] : [];
    case 'PATCH reservations':
    case 'DELETE reservations':
      return held ? touched(held.cart_id, held.product_id) : [];
    case 'POST reservations cart':
      return [rental(body['orderId'], '*')];
    case 'DELETE reservations cart':
      return [`touch ${storeId} ${third} *`];
    case 'POST reservations cleanup':
      return [];
    case 'POST checkout create-payment-intent':
    case 'POST checkout create-session': {
      // Its holds are made and given back, or become rentals once it is paid, whoever says that.
      const orderId = exchange.answer?.body?.orderId;
      return lines('items').flatMap(({ productId }) => [
        ...reserved(String(body['cartId']), productId),
        ...touched(String(body['cartId']), productId),
        rental(orderId, product(productId)),
      ]);
    }
    case 'POST orders':
      return [...tables.rentals.values()]
        .filter(({ order_id }) => order_id === second)
        .map(({ id }) => `cancel ${id}`);
    // What it says was asked for at the checkout.
    case 'POST webhooks stripe':
      return [];
    default:
      throw new Error(`the checker does not know what ${method} ${path} ${fourth} does`);
  }
}

/** Words in the second place of a path that are no ids. */
const RESOURCES = new Set([
  ...['batch', 'reserve', 'release', 'purchase', 'add', 'remove', 'confirm-sale', 'restock'],
  ...['adjust', 'cart', 'cleanup', 'create-payment-intent', 'create-session', 'stripe'],
]);

/** What the rows say was done, each thing as often as it was. Expiry needs nobody's request. */
export function* effectsFound({ products, rentals, reservations, ledgers }: Tables) {
  for (const { store_id, sku } of products.values()) yield `product ${store_id} ${sku}`;
  for (const { store_id, order_id, product_id } of rentals.values()) {
    yield `rental ${store_id} ${order_id} ${product_id}`;
  }
  for (const line of [...ledgers.values()].flat()) {
    const reservation = reservations.get(line.reservation_id ?? '');
    const hold = `${line.store_id} ${reservation?.cart_id} ${line.product_id}`;
    switch (line.kind) {
      case 'cancel':
      case 'complete':
        yield `${line.kind} ${line.rental_id}`;
        break;
      case 'update':
      case 'publish':
      case 'unpublish':
      case 'restock':
      case 'adjust':
        yield `${line.kind} ${line.product_id}`;
        break;
      case 'reserve':
        yield `reserve ${hold}`;
        break;
      case 'change_hold':
      case 'extend':
      case 'release':
        yield `touch ${hold}`;
        break;
    }
  }
}

/** Any product of the same thing that an effect did. */
export const anyProductOf = (effect: string) => effect.replace(/ \S+$/, ' *');

/** The id of a product that a request names by id or by SKU; null where there is none. */
function productNamed({ products }: Tables, storeId: number, name: unknown): number | null {
  if (typeof name === 'number' || /^\d{1,10}$/.test(String(name))) return Number(name);
  for (const product of products.values()) {
    if (product.store_id === storeId && product.sku === name) return product.id;
  }
  return null;
}
