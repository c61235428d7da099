import { readFileSync } from 'node:fs';
import { readConfig } from '../../src/config.js';
import type { Core } from '../../src/core.js';
import type { NewProduct } from '../../src/domain/product.js';
import { Problem } from '../../src/http/problem.js';
import { toNewProduct } from '../../src/http/products/routes.js';
import { newId } from '../../src/ids.js';
import { createLogger } from '../../src/log.js';
import { openCore } from '../../src/open-core.js';
import { messageOf } from '../../src/system-error.js';
import { type BadLine, inOrder } from './csv.js';
import { sayDatabase } from './name-database.js';
import { PRODUCT_COLUMNS, type ProductLine, readProducts } from './product-csv.js';
import { progressOf } from './progress.js';
import { ScriptError, script, storeNumber, type Terminal, UsageError } from './script.js';

/** Products that one transaction makes at most: a longer one would keep other writers waiting. */
const TOGETHER_MAX = 20_000;
/** with --skip-bad, products in one command */
const CHUNK = 1_000;
/** bad lines that are named: whoever mends a file wants to see the first ones, not to scroll */
const NAMED_MAX = 20;

/** `npm run import-products -- FILE`: the products of a CSV file, all of them or none. */
export const importProducts = script({
  help: `
Makes the products of a CSV file.

  npm run import-products -- samples/sakila/products.csv --publish

  --store N       the store that they belong to (default: 1)
  --publish       publishes each product whose line does not say; else it is a draft, which
                  nobody can rent before it is published
  --skip-bad      imports the good lines where some are bad

The file is UTF-8 with commas. Its first line names the columns: ${PRODUCT_COLUMNS.slice(0, 3).join(', ')}, and, where
wanted, ${PRODUCT_COLUMNS.slice(3).join(', ')}.
Any other column is named once and left out. price_amount is in minor units (cents); publish is
true or false; parent_id is the id or SKU of a product that exists.

The whole file is checked before anything is written. A line is bad that can't be read, that a
request could not make a product of, or whose SKU stands in the file or in the store already; each
of the first ${NAMED_MAX} is named by its number with the reason.

Without --skip-bad nothing is imported where a line is bad, and a good file is one transaction of
at most ${TOGETHER_MAX} products: whatever happens, all of them are there or none is.
With --skip-bad the good lines are imported by the ${CHUNK}, in order. If that is interrupted,
run the same again: what was imported is then a bad line, because its SKU is taken, and only the
rest is made.

It writes into the database that DATABASE_URL names, whether or not the service runs.
Exits with 0 when products were imported, 1 when none was, 2 when the command line can not be
understood.
`,
  options: {
    store: { type: 'string', default: '1' },
    publish: { type: 'boolean', default: false },
    'skip-bad': { type: 'boolean', default: false },
  },
  positionalsMax: 1,
  async run({ values, positionals }, terminal) {
    const [path] = positionals;
    if (path === undefined) throw new UsageError('Which file? Name a CSV file.');
    const storeId = storeNumber(values.store);
    const config = readConfig(terminal.environment);
    const file = readProducts(readFile(path), values);
    for (const name of file.unknownColumns) {
      terminal.say(`Left out: the column ${name}, which a product does not have.`);
    }
    sayDatabase(terminal, config.database);
    const opened = await openCore(config, createLogger('error', 2));
    try {
      await opened.ensureStore(storeId);
      const input = { storeId, skipBad: values['skip-bad'], ...file };
      await importInto(opened.core, input, terminal);
    } finally {
      await opened.close();
    }
  },
});

interface Import {
  readonly storeId: number;
  readonly skipBad: boolean;
  readonly products: readonly ProductLine[];
  readonly bad: readonly BadLine[];
}

async function importInto(core: Core, input: Import, terminal: Terminal): Promise<void> {
  const { good, bad: unfit } = await checkAgainstStore(core, input);
  const bad = inOrder([...input.bad, ...unfit]);
  for (const { line, reason } of bad.slice(0, NAMED_MAX)) terminal.say(`line ${line}: ${reason}`);
  if (bad.length > NAMED_MAX) {
    terminal.say(`… and ${bad.length - NAMED_MAX} more; ${bad.length} lines are bad in all`);
  }
  if (good.length + bad.length === 0) throw new ScriptError('The file names no product.');
  if (good.length === 0) throw new ScriptError('Nothing was imported: every line is bad.');
  if (bad.length > 0 && !input.skipBad) {
    throw new ScriptError(
      `Nothing was imported: of ${count(good.length + bad.length, 'line')} ${bad.length} can not be taken. With --skip-bad the others are imported.`,
    );
  }
  const imported = input.skipBad
    ? await makeInChunks(core, input.storeId, good, terminal)
    : await makeTogether(core, input.storeId, good);
  const skipped = input.skipBad
    ? `, ${count(bad.length + good.length - imported.length, 'bad line')} skipped`
    : '';
  terminal.print(
    `${count(imported.length, 'product')} imported into store ${input.storeId}${skipped}.`,
  );
  const drafts = imported.filter(({ product }) => !product.publish).length;
  if (drafts > 0) {
    terminal.print(
      `${drafts === 1 ? '1 is a draft' : `${drafts} are drafts`}, which nobody can rent: publish what is to be rented (next time: --publish).`,
    );
  }
}

interface GoodLine {
  readonly line: number;
  readonly product: NewProduct;
}

/** What can only be seen in the store: SKUs that are taken, parents that don't exist. */
async function checkAgainstStore(
  core: Core,
  { storeId, products }: Import,
): Promise<{ good: GoodLine[]; bad: BadLine[] }> {
  const good: GoodLine[] = [];
  const bad: BadLine[] = [];
  // Asked together: reads that wait at the same time share queries.
  const checked = await Promise.all(
    products.map(({ line, body }) => checkLine(core, storeId, { line, body })),
  );
  for (const result of checked) {
    if ('product' in result) good.push(result);
    else bad.push(result);
  }
  return { good, bad };
}

async function checkLine(
  core: Core,
  storeId: number,
  { line, body }: ProductLine,
): Promise<GoodLine | BadLine> {
  const existing = await core.products.find(storeId, body.sku);
  if (existing) return { line, reason: takenSku(body.sku) };
  try {
    return { line, product: await toNewProduct(core, { storeId }, body) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { line, reason: `parent_id: there is no product ${body.parent_id} in the store` };
  }
}

/** One command, which is one transaction. Returns what was made: all. */
async function makeTogether(
  core: Core,
  storeId: number,
  good: readonly GoodLine[],
): Promise<readonly GoodLine[]> {
  if (good.length > TOGETHER_MAX) {
    throw new ScriptError(
      `Nothing was imported: the file has ${good.length} products, and at most ${TOGETHER_MAX} are imported all or none. Split the file, or import it with --skip-bad.`,
    );
  }
  const { outcome } = await core.send(command(storeId, good, true));
  if (outcome.ok) return good;
  // Free a moment ago: somebody else made it in between.
  throw new ScriptError(
    outcome.refusal.code === 'sku_taken'
      ? `Nothing was imported: the SKU ${outcome.refusal.sku} has just been taken by somebody else.`
      : `Nothing was imported: ${outcome.refusal.code}.`,
  );
}

/** A command for each chunk. Returns what was made. */
async function makeInChunks(
  core: Core,
  storeId: number,
  good: readonly GoodLine[],
  terminal: Terminal,
): Promise<readonly GoodLine[]> {
  const progress = progressOf(terminal, good.length, 'products');
  const made: GoodLine[] = [];
  try {
    for (let from = 0; from < good.length; from += CHUNK) {
      const chunk = good.slice(from, from + CHUNK);
      const { outcome } = await core.send(command(storeId, chunk, false));
      if (!outcome.ok) throw new ScriptError(`The import was refused: ${outcome.refusal.code}.`);
      chunk.forEach((one, i) => {
        if (outcome.value[i]?.ok) made.push(one);
        else terminal.say(`line ${one.line}: ${takenSku(one.product.sku)}`);
      });
      progress.add(chunk.length);
    }
  } catch (error) {
    progress.stop();
    terminal.say(
      `Interrupted: ${count(made.length, 'product')} imported so far. Run the same again for the rest.`,
    );
    throw error;
  }
  progress.stop();
  return made;
}

function command(storeId: number, lines: readonly GoodLine[], allOrNone: boolean) {
  return {
    id: newId(),
    storeId,
    actor: 'import-products',
    idempotency: null,
    kind: 'create_products',
    products: lines.map(({ product }) => product),
    allOrNone,
  } as const;
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ScriptError(`The file can not be read: ${messageOf(error)}.`);
  }
}

const takenSku = (sku: string) => `sku ${sku} is taken: the store has such a product`;
const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`;
