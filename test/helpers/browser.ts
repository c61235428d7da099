import { readFileSync } from 'node:fs';
import { describe } from '@jest/globals';
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';
import { tokenFor, type Who } from './service.js';

/** found by the set-up of the tests, which has said so where it found none */
const executablePath = process.env['CHROMIUM'];

/** Tests that need a browser, and are skipped where there is none. */
export const describeInBrowser: typeof describe.skip =
  executablePath === undefined ? describe.skip : describe;

export const PHONE = { width: 375, height: 700 };
export const DESK = { width: 1440, height: 900 };

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: executablePath ?? '',
    // Tests may run as root, which Chromium's sandbox refuses.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}

/** How long is waited for what is to appear, or to be possible: a busy machine is slow. */
const PATIENCE_MS = 30_000;

/** A page of a browser of its own, and what its console said that it should not have. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly complaints: readonly string[];
  /** Passes over complaints that were to be expected. */
  forgive(expected: RegExp): void;
  /** Opens an address below /admin. */
  open(path: string): Promise<void>;
  heading(name: string): Locator;
  button(name: string): Locator;
  field(name: string): Locator;
  link(name: string): Locator;
  dialog(): Locator;
  /** The part of a page that is called so. */
  region(name: string): Locator;
  /** Waits until everything that the page asked for is there, and painted. */
  settled(): Promise<void>;
  /** Waits until it is there to be read. */
  said(text: string | RegExp): Promise<void>;
  /** Waits until a field of a page or of a dialog says itself that this is wrong with it. */
  wrong(name: string, text: string | RegExp): Promise<void>;
  /** Waits until the figure of this name is so. */
  figure(name: string, value: number | string): Promise<void>;
  close(): Promise<void>;
}

/** A visit of somebody who is signed in; `as: null`: of somebody who is not. */
export async function visit(
  browser: Browser,
  url: string,
  options: {
    as?: Partial<Who> | null;
    colorScheme?: 'light' | 'dark';
    viewport?: { width: number; height: number };
  } = {},
): Promise<Visit> {
  const { as = {}, colorScheme = 'light', viewport = DESK } = options;
  const context = await browser.newContext({ colorScheme, viewport, reducedMotion: 'reduce' });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    const text = message.text();
    // The browser tells of each refusal; those that a page shows beside its fields are no error.
    if (/status of (401|409|412|422)/.test(text)) return;
    if (['error', 'warning'].includes(message.type())) complaints.push(text);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  if (as !== null) {
    const credentials = { secret: await tokenFor(as), kind: 'token', storeId: null };
    await page.addInitScript(
      `if (!sessionStorage.getItem('visited')) {
         sessionStorage.setItem('visited', 'yes');
         sessionStorage.setItem('credentials', ${JSON.stringify(JSON.stringify(credentials))});
       }`,
    );
  }
  return {
    page,
    context,
    complaints,
    forgive(expected) {
      const others = complaints.filter((text) => !expected.test(text));
      complaints.splice(0, complaints.length, ...others);
    },
    async open(path) {
      await page.goto(`${url}/admin${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
    },
    heading: (name) => page.getByRole('heading', { level: 1, name, exact: true }),
    button: (name) => page.getByRole('button', { name, exact: true }),
    field: (name) => page.getByLabel(name, { exact: true }),
    link: (name) => page.getByRole('link', { name, exact: true }),
    dialog: () => page.getByRole('dialog'),
    region: (name) => page.getByRole('region', { name, exact: true }),
    async settled() {
      await page.getByText('Loading …').first().waitFor({ state: 'detached' });
      await page.waitForLoadState('networkidle');
      await page.evaluate(
        'new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))',
      );
    },
    said: (text) => page.getByText(text).first().waitFor(),
    async wrong(name, text) {
      const field = page.getByLabel(name, { exact: true });
      await page.locator('[aria-invalid=true]').and(field).waitFor();
      const about = await field.getAttribute('aria-describedby');
      await page.locator(`[id="${about}"]`).getByText(text).waitFor();
    },
    figure: (name, value) =>
      page
        .locator('.figure', { has: page.getByText(name, { exact: true }) })
        .getByText(String(value), { exact: true })
        .waitFor(),
    close: () => context.close(),
  };
}

const AXE = readFileSync(
  new URL('../../node_modules/axe-core/axe.min.js', import.meta.url),
  'utf8',
);

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

/** The serious issues that axe finds in what a page shows. */
export async function seriousIssues(page: Page): Promise<string[]> {
  // The page's policy lets no script in but its own, so it is run past it.
  const run = `${AXE}; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] })`;
  const { violations } = (await page.evaluate(run)) as AxeResult;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}\n${failureSummary}`),
    );
}

/** By how many pixels a page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
}
