import Router from '@koa/router';
import Koa from 'koa';
import { DataTypes, type Model, Sequelize, Transaction } from 'sequelize';
import { parseDatabaseUrl } from '../../../src/config.js';
import { BODY_BYTES_MAX, readBody } from '../../../src/http/body.js';
import { newId } from '../../../src/ids.js';
import { sqliteDriver } from '../../../src/persistence/sqlite-driver.js';

/**
 * What most teams would write: Sequelize's models, and for each request a transaction that locks
 * the product, updates it, inserts the rental and the ledger's line, and commits. The tables are
 * the same, and nothing else is done: no authentication, no validation, no metrics.
 */
const POOL_MAX = 10;

interface ProductRow {
  readonly id: number;
  readonly quantity: number;
  readonly quantity_available: number;
  readonly quantity_reserved: number;
  readonly quantity_rented: number;
  readonly availability_status: string;
  readonly version: number;
  readonly updated_at: Date;
}

const target = parseDatabaseUrl(process.env['DATABASE_URL'] ?? '');
const sequelize =
  target.dialect === 'mysql'
    ? new Sequelize(target.url, {
        dialect: 'mysql',
        logging: false,
        pool: { max: POOL_MAX, acquire: 60_000 },
      })
    : new Sequelize({
        dialect: 'sqlite',
        dialectModule: sqliteDriver,
        storage: target.file,
        logging: false,
      });

const table = { timestamps: false, underscored: true };
const id = { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true };
const units = DataTypes.INTEGER;
const Product = sequelize.define<Model<ProductRow> & ProductRow>(
  'product',
  {
    id,
    quantity: units,
    quantity_available: units,
    quantity_reserved: units,
    quantity_rented: units,
    availability_status: DataTypes.STRING,
    version: units,
    updated_at: DataTypes.DATE(3),
  },
  { ...table, tableName: 'products' },
);
const Rental = sequelize.define(
  'rental',
  {
    id: { type: DataTypes.STRING, primaryKey: true },
    store_id: units,
    product_id: units,
    user_id: DataTypes.STRING,
    quantity: units,
    status: DataTypes.STRING,
    created_at: DataTypes.DATE(3),
  },
  { ...table, tableName: 'rentals' },
);
const Movement = sequelize.define(
  'movement',
  {
    id,
    store_id: units,
    product_id: units,
    command_id: DataTypes.STRING,
    kind: DataTypes.STRING,
    quantity_delta: units,
    quantity_available_delta: units,
    quantity_reserved_delta: units,
    quantity_rented_delta: units,
    quantity: units,
    quantity_available: units,
    quantity_reserved: units,
    quantity_rented: units,
    rental_id: DataTypes.STRING,
    actor: DataTypes.STRING,
    created_at: DataTypes.DATE(3),
  },
  { ...table, tableName: 'movements' },
);

const router = new Router();

router.get('/readyz', (ctx) => {
  ctx.body = { status: 'ready' };
});

router.get('/api/products/:productId/availability', async (ctx) => {
  const product = await Product.findByPk(ctx.params['productId'], { raw: true });
  if (!product) {
    ctx.status = 404;
    return;
  }
  ctx.body = {
    product_id: product.id,
    availability_status: product.availability_status,
    quantity: product.quantity,
    quantity_available: product.quantity_available,
    requested_quantity: 1,
    available: product.quantity_available >= 1,
  };
});

router.post('/api/rentals', async (ctx) => {
  const { json } = await readBody(ctx.req, BODY_BYTES_MAX);
  const { product_id, user_id } = json as { product_id: number; user_id: string };
  const rented = await inTurn(() => rent(product_id, user_id));
  ctx.status = rented ? 201 : 409;
  ctx.body = rented ?? { error: 'out of stock' };
});

function rent(productId: number, userId: string) {
  return sequelize.transaction({ type: Transaction.TYPES.IMMEDIATE }, async (transaction) => {
    const product = await Product.findByPk(productId, { lock: true, transaction });
    if (!product || product.quantity_available < 1) return null;
    const now = new Date();
    const after = {
      quantity_available: product.quantity_available - 1,
      quantity_rented: product.quantity_rented + 1,
      availability_status: product.quantity_available > 1 ? 'available' : 'rented_out',
    };
    await product.update(
      { ...after, version: product.version + 1, updated_at: now },
      { transaction },
    );
    const rental = {
      id: newId(),
      store_id: 1,
      product_id: productId,
      user_id: userId,
      quantity: 1,
      status: 'active',
      created_at: now,
    };
    await Rental.create(rental, { transaction });
    await Movement.create(
      {
        store_id: 1,
        product_id: productId,
        command_id: newId(),
        kind: 'rent',
        quantity_delta: 0,
        quantity_available_delta: -1,
        quantity_reserved_delta: 0,
        quantity_rented_delta: 1,
        quantity: product.quantity,
        quantity_available: after.quantity_available,
        quantity_reserved: product.quantity_reserved,
        quantity_rented: after.quantity_rented,
        rental_id: rental.id,
        actor: userId,
        created_at: now,
      },
      { transaction },
    );
    const { quantity_available, availability_status } = after;
    return { ...rental, quantity_available, availability_status };
  });
}

let last: Promise<unknown> = Promise.resolve();

/**
 * On the embedded database, which takes one writer at a time, transactions take turns: side by side
 * most of them would end in SQLITE_BUSY.
 */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (target.dialect === 'mysql') return work();
  const result = last.then(work);
  last = result.catch(() => {});
  return result;
}

const app = new Koa();
app.use(router.routes());
app.listen(Number(process.env['PORT']), '127.0.0.1');
