import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { importProducts } from '../../scripts/lib/import-products.js';
import { createDatabase, DATABASES, type TestDatabase } from '../helpers/databases.js';
import { type Client, type Service, startService } from '../helpers/service.js';
import { runScript } from '../helpers/terminal.js';

describe.each(DATABASES)('import-products on %s', (kind) => {
  let folder: string;
  let testDatabase: TestDatabase;
  let service: Service;
  let storeId = 0;
  let admin: Client;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'availability-import-'));
    testDatabase = await createDatabase(kind);
    service = await startService(testDatabase);
  });
  afterAll(async () => {
    await service.stop();
    await testDatabase.drop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    storeId++;
    admin = service.client({ storeId });
  });

  /** Imports a file with this content into the test's own store. */
  function run(content: string | Uint8Array, ...options: string[]) {
    const file = join(folder, 'products.csv');
    writeFileSync(file, content);
    return runScript(importProducts, [file, '--store', String(storeId), ...options], {
      DATABASE_URL: testDatabase.url,
    });
  }
  const csv = (...lines: string[]) => `${lines.join('\n')}\n`;

  async function products() {
    const { body } = await admin.get('/api/products?limit=200');
    return body.data;
  }

  it('makes the products of a file, with all their columns', async () => {
    await run(csv('sku,name,quantity', 'PARENT,Parent,1'));
    const done = await run(
      csv(
        'quantity,sku,name,publish,parent_id,low_stock_threshold,price_amount,price_currency,supplier_email',
        '3,A,Drill,TRUE,PARENT,2,1250,EUR,a@example.com',
        '0,B,Saw,,,,,,',
      ),
    );
    expect(done).toMatchObject({
      code: 0,
      output:
        `2 products imported into store ${storeId}.\n` +
        '1 is a draft, which nobody can rent: publish what is to be rented (next time: --publish).',
      said: [],
    });
    const [parent, a, b] = await products();
    expect(a).toMatchObject({
      sku: 'A',
      name: 'Drill',
      quantity: 3,
      quantity_available: 3,
      availability_status: 'available',
      parent_id: parent.id,
      low_stock_threshold: 2,
      price_amount: 1250,
      price_currency: 'EUR',
      supplier_email: 'a@example.com',
    });
    expect(b).toMatchObject({ sku: 'B', availability_status: 'draft', price_amount: null });
  });

  it('writes an opening line in the ledger, by its own name', async () => {
    await run(csv('sku,name,quantity', 'A,Drill,3'));
    const { body } = await admin.get('/api/products/A/movements');
    expect(body.data).toMatchObject([
      { kind: 'open', quantity_delta: 3, actor: 'import-products', reason: 'opening' },
    ]);
  });

  it('publishes with --publish what does not say otherwise', async () => {
    await run(csv('sku,name,quantity,publish', 'A,A,1,', 'B,B,1,false'), '--publish');
    const statuses = (await products()).map(
      (product: { availability_status: string }) => product.availability_status,
    );
    expect(statuses).toEqual(['available', 'draft']);
  });

  it('names every bad line by its number and its reason, and imports nothing', async () => {
    await run(csv('sku,name,quantity', 'TAKEN,Taken,1'));
    const done = await run(
      csv(
        'sku,name,quantity,price_amount,price_currency,publish,parent_id',
        'GOOD,Good,1,,,,',
        ',No sku,1,,,,',
        'B,B,many,,,,',
        '',
        'C,C,1.5,,,,',
        'D,D,-1,,,maybe,',
        'E,E,1,100,,,',
        '12345,Looks like an id,1,,,,',
        'GOOD,Twice,1,,,,',
        'TAKEN,Taken,1,,,,',
        'F,F,1,,,,NOBODY',
        'G,G,1',
        'H,3" pipe,1,,,,',
        'I,I,2000000000,,,,',
      ),
    );
    expect(done.code).toBe(1);
    expect(done.output).toBe('');
    expect(done.said).toEqual([
      'line 3: sku is missing',
      'line 4: quantity must be a whole number, not "many"',
      'line 6: quantity must be a whole number, not "1.5"',
      'line 7: publish must be true or false, not "maybe"',
      'line 8: price_currency: is missing: price_amount was given without it',
      expect.stringMatching(/^line 9: sku: must not consist of up to ten digits/),
      'line 10: sku GOOD stands in line 2 already',
      'line 11: sku TAKEN is taken: the store has such a product',
      'line 12: parent_id: there is no product NOBODY in the store',
      'line 13: it has 3 values, and the file has 7 columns',
      'line 14: a value with a quote in it must be quoted, and the quote in it doubled',
      expect.stringMatching(/^line 15: quantity: /),
      'Nothing was imported: of 13 lines 12 can not be taken. With --skip-bad the others are imported.',
    ]);
    expect(await products()).toHaveLength(1);
  });

  it('names the first bad lines of many, and says how many there are', async () => {
    const lines = Array.from({ length: 34 }, (_, i) => `P-${i},P,x`);
    const { said } = await run(csv('sku,name,quantity', 'GOOD,Good,1', ...lines));
    expect(said).toHaveLength(22);
    expect(said[19]).toMatch(/^line 22: quantity /);
    expect(said[20]).toBe('… and 14 more; 34 lines are bad in all');
  });

  it('imports the good lines with --skip-bad, and again only what is missing', async () => {
    const lines = ['sku,name,quantity', 'A,A,1', 'B,B,x', 'C,C,1'];
    const first = await run(csv(...lines), '--skip-bad');
    expect(first).toMatchObject({
      code: 0,
      output: expect.stringContaining(
        `2 products imported into store ${storeId}, 1 bad line skipped.\n2 are drafts, which`,
      ),
      said: ['line 3: quantity must be a whole number, not "x"'],
    });
    const second = await run(csv(...lines, 'D,D,1'), '--skip-bad');
    expect(second.code).toBe(0);
    expect(second.output).toContain(
      `1 product imported into store ${storeId}, 3 bad lines skipped.`,
    );
    const third = await run(csv(...lines), '--skip-bad');
    expect(third.code).toBe(1);
    expect(third.said.at(-1)).toBe('Nothing was imported: every line is bad.');
  });

  it('names a column that a product does not have once, and leaves it out', async () => {
    const done = await run(csv('sku,name,quantity,rental_days,', 'A,A,1,6,', 'B,B,1,3,'));
    expect(done.code).toBe(0);
    expect(done.said).toEqual(['Left out: the column rental_days, which a product does not have.']);
  });

  it('takes a byte order mark, CRLF, quotes, commas and line ends in values', async () => {
    const done = await run(
      '\uFEFFsku,name,quantity,note\r\n"A", "Drill, ""big"" – 18 V" ,1,"two\r\nlines"\r\nB,B,x,\r\n',
      '--skip-bad',
    );
    expect(done.code).toBe(0);
    expect(done.said).toContain('line 4: quantity must be a whole number, not "x"');
    expect((await products())[0].name).toBe('Drill, "big" – 18 V');
  });

  it('goes on behind a quote that is never closed', async () => {
    const done = await run(csv('sku,name,quantity', 'A,"A,1', 'B,B,1'), '--skip-bad');
    expect(done.said).toEqual(['line 2: a quote is opened and never closed']);
    expect((await products()).map(({ sku }: { sku: string }) => sku)).toEqual(['B']);
  });

  it.each([
    ['an empty file', '', 'The file is empty.'],
    ['blank lines only', '\n\n', 'The file is empty.'],
    ['a header only', 'sku,name,quantity\n', 'The file names no product.'],
    ['no header', 'A,B,1\n', expect.stringMatching(/^The file has no column sku, name, quantity/)],
    ['a column twice', 'sku,sku,name,quantity\n', 'The file has two columns named "sku".'],
    ['text that is not UTF-8', Uint8Array.of(0xff, 0xfe, 0x41), 'The file is not UTF-8 text.'],
    [
      'a broken header',
      'sku,na"me,quantity\nA,A,1\n',
      expect.stringMatching(/^The line of column names can not be read/),
    ],
  ])('refuses %s', async (_what, content, sentence) => {
    const done = await run(content);
    expect(done).toMatchObject({ code: 1, output: '', said: [sentence] });
  });

  it('imports thousands of products in one transaction, or none of them', async () => {
    const lines = Array.from({ length: 2_500 }, (_, i) => `P-${i},Product ${i},1`);
    const none = await run(csv('sku,name,quantity', ...lines, 'P-0,Twice,1'));
    expect(none.code).toBe(1);
    expect(await products()).toHaveLength(0);

    const all = await run(csv('sku,name,quantity', ...lines), '--publish');
    expect(all.output).toBe(`2500 products imported into store ${storeId}.`);
    const rows = await service.rows.select(
      `SELECT COUNT(DISTINCT command_id) AS commands, COUNT(*) AS n FROM movements ` +
        `WHERE store_id = ${storeId} AND kind = 'open'`,
    );
    expect(rows).toEqual([{ commands: 1, n: 2_500 }]);
  });
});

describe('create_products for all or none', () => {
  it.each(DATABASES)('makes nothing where a SKU is taken meanwhile, on %s', async (kind) => {
    const service = await startService(kind);
    try {
      const admin = service.client();
      await admin.post('/api/products', { sku: 'TAKEN', name: 'Taken', quantity: 1 });
      const product = {
        name: 'New',
        quantity: 1,
        publish: false,
        parentId: null,
        lowStockThreshold: null,
        priceAmount: null,
        priceCurrency: null,
        supplierEmail: null,
      };
      const send = (allOrNone: boolean, ...skus: string[]) =>
        service.app.core.send({
          id: `01a1fca8-06f0-72c6-b30f-${allOrNone ? '0' : '1'}1271455e83${skus.length}`,
          storeId: 1,
          actor: 'test',
          idempotency: null,
          kind: 'create_products',
          products: skus.map((sku) => ({ ...product, sku })),
          allOrNone,
        });
      const { outcome } = await send(true, 'A', 'TAKEN', 'B');
      expect(outcome).toEqual({ ok: false, refusal: { code: 'sku_taken', sku: 'TAKEN' } });
      const twice = await send(true, 'A', 'A');
      expect(twice.outcome).toEqual({ ok: false, refusal: { code: 'sku_taken', sku: 'A' } });
      expect((await admin.get('/api/products')).body.data).toHaveLength(1);

      await send(false, 'A', 'TAKEN', 'B');
      expect((await admin.get('/api/products')).body.data).toHaveLength(3);
    } finally {
      await service.stop();
    }
  });
});
