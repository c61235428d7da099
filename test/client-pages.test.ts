import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Service, startService, tokenFor } from './helpers/service.js';
import { type StripeServer, startStripe, WEBHOOK_SECRET } from './helpers/stripe-server.js';
import { paymentSettings } from './payments/setup.js';

const run = promisify(execFile);
const PAGES = ['checkout', 'marketplace', 'payments', 'shop-front'];
const MARK = '--- 8< ---';
const BLOCK = /^```(sh|json)\n([\s\S]*?)^```$/gm;

/** The blocks of a page: what is to be pasted, and what is said to come back. */
function blocksOf(page: string): { sh: string; json: unknown }[] {
  const url = new URL(`../docs/clients/${page}.md`, import.meta.url);
  const blocks: { sh: string; json: unknown }[] = [];
  for (const [, kind, text = ''] of readFileSync(url, 'utf8').matchAll(BLOCK)) {
    const last = blocks.at(-1);
    if (kind === 'sh') blocks.push({ sh: text, json: undefined });
    else if (last) last.json = JSON.parse(text);
  }
  return blocks;
}

/** With ids and times that are new in each run named instead. */
function masked(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replace(/"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}"/g, '"a UUID"')
    .replace(/"(pi|cs)_[^"]*"/g, '"an id of Stripe"')
    .replace(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"a time"');
  return JSON.parse(text);
}

// The pages speak of curl; a machine may have none.
const hasCurl = spawnSync('curl', ['--version']).status === 0;

(hasCurl ? describe : describe.skip).each(PAGES)('the page for a client: %s', (page) => {
  let service: Service;
  let stripe: StripeServer;
  beforeAll(async () => {
    stripe = await startStripe();
    service = await startService('sqlite', paymentSettings(stripe));
  });
  afterAll(async () => {
    await service.stop();
    await stripe.close();
  });

  it('has requests that work when they are pasted, and are answered as it says', async () => {
    const blocks = blocksOf(page);
    const tokens = {
      CUSTOMER: await tokenFor({ sub: 'anna', role: 'customer' }),
      SERVICE: await tokenFor({ sub: 'service', role: 'service' }),
    };
    // Stands in for `npm run -s create-token`, whose secret is another service's.
    const npm =
      'npm() { case "$*" in *"--role customer --sub anna") echo $CUSTOMER;; *) echo $SERVICE;; esac; }';
    const pasted = blocks
      .map(({ sh }) => sh.replaceAll('localhost:3000', new URL(service.url).host))
      .join(`echo; echo '${MARK}'\n`);
    const { stdout, stderr } = await run('bash', ['--norc', '-ec', `${npm}\n${pasted}`], {
      env: { PATH: process.env['PATH'], STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET, ...tokens },
    });
    expect(stderr).toBe('');
    const answers = stdout.split(MARK).map((text) => text.trim());
    expect(answers).toHaveLength(blocks.length);
    const said = blocks.map(({ json }, i) => [json, answers[i] ?? ''] as const);
    for (const [json, answer] of said) {
      // Of several answers, each on its line, a page shows the first.
      const [first = ''] = answer.split('\n');
      if (json !== undefined) expect(masked(JSON.parse(first))).toEqual(masked(json));
    }
    expect(said.filter(([json]) => json !== undefined).length).toBeGreaterThan(0);
  });
});
