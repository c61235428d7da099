import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freePort } from './helpers/process.js';
import { SECRET, type Service, startService } from './helpers/service.js';

const run = promisify(execFile);
const PAGES = ['shop-front', 'checkout', 'marketplace', 'payments', 'webhooks', 'events'].map(
  (name) => `docs/clients/${name}.md`,
);
/** sections of the README that are to be pasted */
const README_SECTIONS = ['Start it', 'From the same process', 'Reports'];
const MARK = '--- 8< ---';
const BLOCK = /^```(sh|json|jsonl)\n([\s\S]*?)^```$/gm;

interface Block {
  /** what is to be pasted */
  readonly sh: string;
  /** what is said to come back first */
  json?: unknown;
}

interface Page {
  readonly name: string;
  readonly blocks: readonly Block[];
  /** lines that are said to be printed meanwhile */
  readonly lines: readonly unknown[];
}

function readPage(name: string, text = readFileSync(name, 'utf8')): Page {
  const blocks: Block[] = [];
  const lines: unknown[] = [];
  for (const [, kind, content = ''] of text.matchAll(BLOCK)) {
    const last = blocks.at(-1);
    if (kind === 'sh') blocks.push({ sh: content });
    else if (kind === 'jsonl')
      lines.push(
        ...content
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      );
    else if (last) last.json = JSON.parse(content);
  }
  return { name, blocks, lines };
}

function readReadme(): Page {
  const sections = readFileSync('README.md', 'utf8').split(/^## /m);
  const pasted = README_SECTIONS.map(
    (title) => sections.find((section) => section.startsWith(`${title}\n`)) ?? '',
  );
  return readPage('README.md', pasted.join('\n'));
}

/** The lines that are JSON; of two answers in one line curl ends neither. */
function jsonLines(text: string): unknown[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}

/** With what is new in each run named instead. */
function masked(value: unknown, { numbers }: { numbers: boolean }): unknown {
  const text = JSON.stringify(value)
    .replace(/"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}"/g, '"a UUID"')
    .replace(/"(pi|cs)_[^"]*"/g, '"an id of Stripe"')
    .replace(/"whsec_[^"]*"/g, '"a secret"')
    .replace(/"durationMs":\d+/g, '"durationMs":0')
    .replace(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"a time"');
  const ids = /"(id|eventId|product_?[iI]d|variantId)":"?\d+"?/g;
  return JSON.parse(numbers ? text.replace(ids, '"$1":"a number"') : text);
}

// The pages speak of curl; a machine may have none.
const hasCurl = spawnSync('curl', ['--version']).status === 0;

(hasCurl ? describe : describe.skip)(
  'what the README and the pages for clients say to paste',
  () => {
    let service: Service;
    let folder: string;
    /** what stands in for Stripe, and what receives webhooks, as the pages name them */
    let stripePort: number;
    let hookPort: number;

    beforeEach(async () => {
      stripePort = await freePort();
      hookPort = await freePort();
      service = await startService('sqlite', {
        STRIPE_API_BASE: `http://127.0.0.1:${stripePort}`,
        STRIPE_SECRET_KEY: 'sk_test_none',
        STRIPE_WEBHOOK_SECRET: 'whsec_none',
        WEBHOOK_ALLOW_PRIVATE: 'true',
      });
      // The folder of the service, as far as it is used, and the file that a reader makes in it.
      folder = mkdtempSync(join(tmpdir(), 'availability-pages-'));
      for (const name of ['node_modules', 'package.json', 'dist', 'migrations']) {
        symlinkSync(resolve(name), join(folder, name));
      }
      const receiver = /^```js\n([\s\S]*?)^```$/m.exec(
        readFileSync('docs/clients/webhooks.md', 'utf8'),
      );
      writeFileSync(join(folder, 'receiver.mjs'), receiver?.[1] ?? '');
    });
    afterEach(async () => {
      await service.stop();
      rmSync(folder, { recursive: true });
    });

    /** Pastes all blocks of these pages into one shell; returns what each block printed. */
    async function paste(pages: readonly Page[]): Promise<string[]> {
      // `npm start` has been done; tokens come without the build before each.
      const npm = `npm() {
      if [ "$1" = start ]; then return; fi
      shift 3
      if [ "$1" = -- ]; then shift; fi
      node dist/scripts/create-token.js "$@"
    }`;
      const blocks = pages.flatMap((page) => page.blocks.map(({ sh }) => sh));
      const script = [
        npm,
        "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT",
        blocks.join(`echo; echo '${MARK}'\n`),
      ]
        .join('\n')
        .replace(/(localhost|127\.0\.0\.1):3000/g, new URL(service.url).host)
        // A machine that tests is busier than a reader's.
        .replace(/\bsleep 1$/gm, 'sleep 2')
        .replace(/\b4242\b/g, String(stripePort))
        .replace(/127\.0\.0\.1:4000/g, `127.0.0.1:${hookPort}`);
      const { stdout, stderr } = await run('bash', ['--norc', '-ec', script], {
        cwd: folder,
        env: {
          PATH: process.env['PATH'],
          DATABASE_URL: service.testDatabase.url,
          JWT_SECRET: SECRET,
          PORT: String(hookPort),
        },
      });
      expect(stderr).toBe('');
      const printed = stdout
        .replaceAll(`127.0.0.1:${hookPort}`, '127.0.0.1:4000')
        .split(MARK)
        .map((text) => text.trim());
      expect(printed).toHaveLength(blocks.length);
      return printed;
    }

    function expectAsSaid({ blocks, lines }: Page, printed: readonly string[], numbers: boolean) {
      const said = blocks.map(({ json }) =>
        json === undefined ? undefined : masked(json, { numbers }),
      );
      const came = printed.map((text, i) => {
        if (said[i] === undefined) return undefined;
        // Of several answers, each on its line, a page shows the first.
        const [first = ''] = text.split('\n');
        return masked(JSON.parse(first), { numbers });
      });
      expect(came).toEqual(said);
      const known = printed.flatMap(jsonLines).map((line) => masked(line, { numbers }));
      // A refusal that the page does not show is one that its reader does not expect.
      const refused = printed.filter(
        (text, i) => said[i] === undefined && text.includes('urn:problem:'),
      );
      expect(refused).toEqual([]);
      for (const line of lines) expect(known).toContainEqual(masked(line, { numbers }));
      expect(said.filter((json) => json !== undefined).length + lines.length).toBeGreaterThan(0);
    }

    it.each(PAGES)('works in %s alone, and is answered as it says', async (name) => {
      const page = readPage(name);
      expectAsSaid(page, await paste([page]), false);
    });

    it('works in the README and all pages, one after another on the same database', async () => {
      const pages = [readReadme(), ...PAGES.map((name) => readPage(name))];
      const printed = await paste(pages);
      for (const page of pages) {
        expectAsSaid(page, printed.splice(0, page.blocks.length), true);
      }
    }, 60_000);
  },
);
