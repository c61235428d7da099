import { z } from 'zod';
import { takesRental } from '../../../machines/product.js';
import type { Core } from '../../core.js';
import type { NewProduct, Product } from '../../domain/product.js';
import type { ProductOrder } from '../../persistence/reads/product-order.js';
import type { ProductRef } from '../../persistence/reads/products.js';
import { ANYONE, BACK_OFFICE, type Caller } from '../caller.js';
import { endpoint, replyTo, type Surface } from '../endpoint.js';
import { listOf, pageReply } from '../lists.js';
import { Problem, problemOf } from '../problem.js';
import { productReply, renderMovement, renderProduct } from './replies.js';
import {
  AvailabilityQuery,
  type AvailabilityReply,
  AvailabilityReply as AvailabilityReplySchema,
  LedgerQuery,
  MovementReply,
  NewProductBody,
  ProductChangesBody,
  ProductListBody,
  ProductListQuery,
  ProductPath,
  ProductReply,
  ProductsToValidateBody,
  ProductsValidReply,
} from './schemas.js';
import { errorsOf } from './validate.js';

const tag = 'Products';

const createProduct = endpoint({
  method: 'post',
  path: '/api/products',
  operationId: 'createProduct',
  summary: 'Make a product',
  tag,
  roles: BACK_OFFICE,
  body: NewProductBody,
  replies: { 201: { description: 'The product.', schema: ProductReply } },
  problems: ['product_not_found', 'sku_taken'],
  async handle({ core, caller, body, header }) {
    const product = await toNewProduct(core, caller, body);
    const answer = await core.send({
      ...header(),
      kind: 'create_products',
      products: [product],
      allOrNone: false,
    });
    return replyTo(answer, ([made], replayed) => {
      if (!made) throw new Error('a product was asked for and not answered');
      return replyTo({ outcome: made, replayed }, (product) => productReply(201, product, caller));
    });
  },
});

const createProducts = endpoint({
  method: 'post',
  path: '/api/products/batch',
  operationId: 'createProducts',
  summary: 'Make up to 1,000 products, each on its own',
  description:
    'One whose SKU is taken does not keep the others back; one that names no parent there is, or has a field that can not be accepted, refuses the list. Answers are in order.',
  tag,
  roles: BACK_OFFICE,
  body: ProductListBody,
  takesList: true,
  replies: {
    200: {
      description: 'For each product what became of it.',
      schema: z.strictObject({
        data: z.array(
          z.union([
            z.strictObject({ status: z.literal(201), product: ProductReply }),
            z.strictObject({ status: z.literal(409), error: z.looseObject({ code: z.string() }) }),
          ]),
        ),
      }),
    },
  },
  problems: ['product_not_found'],
  async handle({ core, caller, body, header }) {
    const products = await Promise.all(
      body.products.map((product, i) =>
        toNewProduct(core, caller, product, `products[${i}].parent_id`),
      ),
    );
    const answer = await core.send({
      ...header(),
      kind: 'create_products',
      products,
      allOrNone: false,
    });
    return replyTo(answer, (made) => ({
      status: 200,
      body: {
        data: made.map((outcome) => {
          if (outcome.ok) return { status: 201, product: renderProduct(outcome.value, caller) };
          const problem = problemOf(outcome.refusal);
          return { status: problem.status, error: problem.body('/api/products/batch') };
        }),
      },
    }));
  },
});

const validateProducts = endpoint({
  method: 'post',
  path: '/api/products/validate',
  operationId: 'validateProducts',
  summary: 'What is wrong with up to 1,000 products, before any is made',
  description: 'Nothing is made. A SKU that is free now may be taken by the time that it is.',
  tag,
  roles: BACK_OFFICE,
  body: ProductsToValidateBody,
  takesList: true,
  replies: { 200: { description: 'What is wrong.', schema: ProductsValidReply } },
  problems: [],
  async handle({ core, caller, body }) {
    const errors = await errorsOf(core, caller, body.products);
    return { status: 200, body: { is_valid: errors.length === 0, errors } };
  },
});

const listProducts = endpoint({
  method: 'get',
  path: '/api/products',
  operationId: 'listProducts',
  summary: 'List products',
  tag,
  roles: ANYONE,
  query: ProductListQuery,
  replies: { 200: { description: 'A page.', schema: listOf(ProductReply) } },
  problems: [],
  async handle({ core, caller, query }) {
    const parent =
      query.parent_id === undefined
        ? null
        : await core.products.find(caller.storeId, query.parent_id);
    if (query.parent_id !== undefined && !parent) return pageReply([], null);
    const page = await core.products.list({
      storeId: caller.storeId,
      status: query.status ?? null,
      sku: query.sku ?? null,
      parentId: parent?.id ?? null,
      ids: query.ids ?? null,
      search: query.q ?? null,
      order: orderOf(query.sort),
      after: query.cursor ?? null,
      limit: query.limit,
    });
    return pageReply(
      page.rows.map((product) => renderProduct(product, caller)),
      page.hasMore ? page.rows.at(-1)?.id : null,
    );
  },
});

const getProduct = endpoint({
  method: 'get',
  path: '/api/products/:productId',
  operationId: 'getProduct',
  summary: 'A product',
  tag,
  roles: ANYONE,
  params: ProductPath,
  replies: { 200: { description: 'The product.', schema: ProductReply } },
  problems: ['product_not_found'],
  async handle({ core, caller, params }) {
    return productReply(200, await findProduct(core, caller, params.productId), caller);
  },
});

const updateProduct = endpoint({
  method: 'patch',
  path: '/api/products/:productId',
  operationId: 'updateProduct',
  summary: 'Change a product, or the units that are owned of it',
  tag,
  roles: BACK_OFFICE,
  params: ProductPath,
  body: ProductChangesBody,
  conditional: true,
  replies: { 200: { description: 'The product.', schema: ProductReply } },
  problems: ['product_not_found', 'quantity_below_committed', 'version_mismatch'],
  async handle({ core, caller, params, body, ifMatch, header }) {
    const answer = await core.send({
      ...header(),
      kind: 'update',
      productId: await productIdOf(core, caller, params.productId),
      ifMatch,
      changes: {
        name: body.name,
        quantity: body.quantity,
        lowStockThreshold: body.low_stock_threshold,
        priceAmount: body.price_amount,
        priceCurrency: body.price_currency,
        supplierEmail: body.supplier_email,
      },
    });
    return replyTo(answer, (product) => productReply(200, product, caller));
  },
});

const publishProduct = publication('publish', 'Publish a product: its units can be rented');
const unpublishProduct = publication('unpublish', 'Make a product a draft again');

function publication(kind: 'publish' | 'unpublish', summary: string) {
  return endpoint({
    method: 'post',
    path: `/api/products/:productId/${kind}`,
    operationId: `${kind}Product`,
    summary,
    description: 'Doing it twice is answered as things stand. What is out stays out.',
    tag,
    roles: BACK_OFFICE,
    params: ProductPath,
    conditional: true,
    replies: { 200: { description: 'The product.', schema: ProductReply } },
    problems: ['product_not_found', 'version_mismatch'],
    async handle({ core, caller, params, ifMatch, header }) {
      const productId = await productIdOf(core, caller, params.productId);
      const answer = await core.send({ ...header(), kind, productId, ifMatch });
      return replyTo(answer, (product) => productReply(200, product, caller));
    },
  });
}

const getAvailability = endpoint({
  method: 'get',
  path: '/api/products/:productId/availability',
  operationId: 'getAvailability',
  summary: 'Whether so many units could be rented now',
  tag,
  roles: ANYONE,
  params: ProductPath,
  query: AvailabilityQuery,
  replies: { 200: { description: 'What is free now.', schema: AvailabilityReplySchema } },
  problems: ['product_not_found'],
  async handle({ core, caller, params, query }) {
    const product = await findProduct(core, caller, params.productId);
    const body: AvailabilityReply = {
      product_id: product.id,
      availability_status: product.availabilityStatus,
      quantity: product.quantity,
      quantity_available: product.quantityAvailable,
      requested_quantity: query.quantity,
      available: takesRental(product, query.quantity),
    };
    return { status: 200, body };
  },
});

const listMovements = endpoint({
  method: 'get',
  path: '/api/products/:productId/movements',
  operationId: 'listMovements',
  summary: "A product's ledger, newest line first",
  tag,
  roles: BACK_OFFICE,
  params: ProductPath,
  query: LedgerQuery,
  replies: { 200: { description: 'A page.', schema: listOf(MovementReply) } },
  problems: ['product_not_found'],
  async handle({ core, caller, params, query }) {
    const product = await findProduct(core, caller, params.productId);
    const page = await core.listMovements({
      productId: product.id,
      kinds: query.kind === undefined ? null : [query.kind],
      before: query.cursor ?? null,
      limit: query.limit,
    });
    return pageReply(page.rows.map(renderMovement), page.hasMore ? page.rows.at(-1)?.id : null);
  },
});

export const productSurface: Surface = {
  spelling: 'snake_case',
  endpoints: [
    createProduct,
    createProducts,
    validateProducts,
    listProducts,
    getProduct,
    updateProduct,
    publishProduct,
    unpublishProduct,
    getAvailability,
    listMovements,
  ],
};

function orderOf(sort: string): ProductOrder {
  const descending = sort.startsWith('-');
  const name = descending ? sort.slice(1) : sort;
  return { by: name === 'sku' || name === 'name' ? name : 'id', descending };
}

/** The product that a request names. Throws 404. */
export async function findProduct(core: Core, caller: Caller, ref: ProductRef): Promise<Product> {
  const product = await core.products.find(caller.storeId, ref);
  if (!product) throw problemOf({ code: 'product_not_found' });
  return product;
}

/** The id that a command needs; an id is not looked up, the lock will find it or not. */
export async function productIdOf(core: Core, caller: Caller, ref: ProductRef): Promise<number> {
  return typeof ref === 'number' ? ref : (await findProduct(core, caller, ref)).id;
}

/**
 * The id that a line of a list needs. A SKU that names nothing becomes an id that no product has, so
 * that the core names this line beside all others that fall short.
 */
export async function productIdOfLine(
  core: Core,
  caller: Caller,
  ref: ProductRef,
): Promise<number> {
  if (typeof ref === 'number') return ref;
  return (await core.products.find(caller.storeId, ref))?.id ?? NO_PRODUCT;
}

const NO_PRODUCT = 0;

/** What a body says of a product, its parent looked up. Throws 404 where there is no such parent. */
export async function toNewProduct(
  core: Core,
  caller: Pick<Caller, 'storeId'>,
  body: NewProductBody,
  field = 'parent_id',
): Promise<NewProduct> {
  const parent =
    body.parent_id === null ? null : await core.products.find(caller.storeId, body.parent_id);
  if (body.parent_id !== null && !parent) {
    const message = `There is no product ${body.parent_id} to be the parent.`;
    throw new Problem('product_not_found', message, { facts: { errors: [{ field, message }] } });
  }
  return {
    sku: body.sku,
    name: body.name,
    quantity: body.quantity,
    publish: body.publish,
    parentId: parent?.id ?? null,
    lowStockThreshold: body.low_stock_threshold,
    priceAmount: body.price_amount,
    priceCurrency: body.price_currency,
    supplierEmail: body.supplier_email,
  };
}
