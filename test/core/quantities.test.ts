import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type QuantityFunctions, quantityFunctions } from '../../src/index.js';
import { DATABASES } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';

describe.each(DATABASES)("document 1's functions on %s", (kind) => {
  let service: Service;
  let admin: Client;
  let ProductModel: QuantityFunctions;

  beforeAll(async () => {
    service = await startService(kind);
    admin = service.client();
    ProductModel = quantityFunctions(service.app.core, { storeId: 1, actor: 'rentease' });
  });
  afterAll(() => service.stop());

  async function makeProduct(sku: string, quantity: number, publish = true): Promise<number> {
    return (await admin.post('/api/products', { sku, name: sku, quantity, publish })).body.id;
  }
  const rentalsOf = async (id: number) =>
    (await admin.get(`/api/rentals?product_id=${id}`)).body.data.map(
      (rental: { quantity: number; status: string; cancel_reason: string | null }) =>
        `${rental.quantity} ${rental.status} ${rental.cancel_reason ?? ''}`.trim(),
    );

  it('reserves units as a rental, the last one leading to rented_out', async () => {
    const id = await makeProduct('reserve', 2);
    expect(await ProductModel.checkAndReserveQuantity(id, 1)).toEqual({
      success: true,
      rental_id: expect.any(String),
      quantity_available: 1,
      availability_status: 'available',
    });
    expect(await ProductModel.checkAndReserveQuantity(id, 1)).toMatchObject({
      quantity_available: 0,
      availability_status: 'rented_out',
    });
    await expect(ProductModel.checkAndReserveQuantity(id, 1)).rejects.toThrow('out of stock');
  });

  it('says "not available" of a draft, and names a product that is not there', async () => {
    const id = await makeProduct('draft', 2, false);
    await expect(ProductModel.checkAndReserveQuantity(id, 1)).rejects.toThrow('not available');
    await expect(ProductModel.checkAndReserveQuantity(9_999, 1)).rejects.toThrow('no such product');
    await expect(ProductModel.checkAndReserveQuantity(id, 0)).rejects.toThrow(RangeError);
  });

  it('gives units back, oldest first, and splits the last rental', async () => {
    const id = await makeProduct('release', 9);
    await ProductModel.checkAndReserveQuantity(id, 2);
    await ProductModel.checkAndReserveQuantity(id, 3);
    await admin.post('/api/rentals', { product_id: id, quantity: 4, user_id: 'anna' });
    const released = await ProductModel.releaseReservedQuantity(id, 3, 'rental_cancelled');
    expect(released).toEqual({
      success: true,
      quantity_available: 3,
      availability_status: 'available',
    });
    expect((await rentalsOf(id)).sort()).toEqual([
      '1 cancelled rental_cancelled',
      '2 active',
      '2 cancelled rental_cancelled',
      '4 active',
    ]);
    await ProductModel.releaseReservedQuantity(id, 1, 'rental_completed');
    await ProductModel.releaseReservedQuantity(id, 1, 'rental_completed');
    expect((await rentalsOf(id)).filter((rental: string) => rental.includes('completed'))).toEqual([
      '1 completed',
      '1 completed',
    ]);
    // What is left is Anna's, and hers alone to give back.
    await expect(ProductModel.releaseReservedQuantity(id, 1, 'error_rollback')).rejects.toThrow(
      'No units are out that could come back',
    );
    expect(await ProductModel.syncProductQuantities(id)).toMatchObject({ synced_products: 0 });
  });

  it('updates a quantity by taking or giving back', async () => {
    const id = await makeProduct('update', 5);
    expect(await ProductModel.updateQuantityAvailable(id, -3)).toMatchObject({
      quantity_available: 2,
    });
    expect(await ProductModel.updateQuantityAvailable(id, +2)).toMatchObject({
      quantity_available: 4,
    });
  });

  it('repairs drift, in one product or in all', async () => {
    const id = await makeProduct('drift', 5);
    await ProductModel.checkAndReserveQuantity(id, 2);
    await service.rows.run(
      `UPDATE products SET quantity_available = 5, quantity_rented = 0 WHERE id = ${id}`,
    );
    const healthCheck = await ProductModel.syncProductQuantities();
    expect(healthCheck).toMatchObject({ success: true, synced_products: 1 });
    expect(healthCheck.details).toEqual([
      expect.objectContaining({ productId: id, cause: 'counter_changed_outside' }),
    ]);
  });

  it('releases under fire without losing or inventing a unit', async () => {
    const id = await makeProduct('fire', 10);
    const take = () => ProductModel.checkAndReserveQuantity(id, 2);
    const give = () => ProductModel.releaseReservedQuantity(id, 1, 'rental_completed');
    const settled = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? take() : give())),
    );
    expect(settled.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await ProductModel.syncProductQuantities(id)).toMatchObject({ synced_products: 0 });
  });
});
