import { cpus, tmpdir } from 'node:os';
import { oneOf, script, type Terminal, UsageError, wholeNumber } from '../lib/script.js';
import { measureCleanups } from './cleanup.js';
import { DATABASE_KINDS, type DatabaseKind, startDatabases } from './databases.js';
import { findGenerator, type Generator } from './generator.js';
import { temporaryFolder } from './left-behind.js';
import { type Bench, measure } from './measure.js';
import { markdownReport, textReport } from './report.js';
import { measureReports } from './reports.js';
import type { Results } from './results.js';
import { SCENARIOS } from './scenarios.js';
import { measureSoak } from './soak.js';
import { measureStart } from './start.js';
import { measureSync } from './sync.js';

const PARTS = [...SCENARIOS.map(({ name }) => name), 'start', 'sync', 'cleanup', 'reports', 'soak'];
const DEFAULT_PARTS = PARTS.filter((part) => part !== 'soak');

/** How thorough a run is. */
const FULL = {
  rounds: 3,
  seconds: 5,
  warmUpSeconds: 2,
  syncProducts: 100_000,
  dueHolds: 100_000,
  reportLines: 1_000_000,
  soakSeconds: 120,
};
const QUICK = {
  rounds: 1,
  seconds: 1,
  warmUpSeconds: 0,
  syncProducts: 2_000,
  dueHolds: 200,
  reportLines: 10_000,
  soakSeconds: 4,
};

const REPORT_PRODUCTS = 1_000;

/** On a disk on most systems, while /tmp is in memory on some; any user may enter it. */
const DEFAULT_FOLDER = process.platform === 'win32' ? tmpdir() : '/var/tmp';

/** `npm run bench`: this service beside bare Koa and beside one transaction per request. */
export const bench = script({
  help: `
Measures this service beside bare Koa routes, and beside the same tables written with one
transaction per request, all in one run on this machine. Each server is a process of its own; so is
the load generator (wrk where it is installed, else autocannon). The databases are a MariaDB that
this starts for itself (innodb_flush_log_at_trx_commit=1) and SQLite (synchronous=FULL), on a disk.
In each round the servers take turns; what is printed are medians over the rounds. "CPU µs" is the
processor time of the server's own process for each request, which a busy machine changes least.
Holds are measured beside rentals, and reads of them beside that of availability, which the same
process is asked for in turns: "of ref." is how they compare.

  npm run bench                            all but the soak, on both databases: some 30 minutes
  npm run bench -- --quick                 one round of a second: only to see that it works
  npm run bench -- --only hot --database mysql
  npm run bench -- --soak                  two minutes under load as well: does memory stay flat?

  --only PART        one part, may be given several times: ${PARTS.slice(0, 5).join(', ')},
                     ${PARTS.slice(5, 12).join(', ')},
                     ${PARTS.slice(12).join(', ')}
  --soak             the soak as well
  --database KIND    mysql or sqlite (default: both)
  --rounds N         rounds (default: ${FULL.rounds})
  --seconds N        length of a round in seconds (default: ${FULL.seconds})
  --markdown         print the tables in Markdown
  --node-flags TEXT  arguments of node for this service, like --node-flags=--max-semi-space-size=32
  --dir FOLDER       where the databases' files go (default: ${DEFAULT_FOLDER})

After each run the law is checked in the tables, and that each rental and each hold that was answered
for is there. Exits with 0 when all was measured, whatever the figures are; with 1 when a request failed or
the law was broken; with 2 when the command line can not be understood.
`,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    soak: { type: 'boolean', default: false },
    database: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    'node-flags': { type: 'string', default: '' },
    dir: { type: 'string', default: DEFAULT_FOLDER },
  },
  positionalsMax: 0,
  async run({ values }, terminal) {
    const chosen = (values.only ?? DEFAULT_PARTS).map((part) => oneOf(part, PARTS, '--only'));
    const parts = new Set(values.soak ? [...chosen, 'soak'] : chosen);
    const kinds =
      values.database === undefined
        ? DATABASE_KINDS
        : [oneOf(values.database, DATABASE_KINDS, '--database')];
    const size = values.quick ? QUICK : FULL;
    const number = (option: 'rounds' | 'seconds', max: number) =>
      values[option] === undefined
        ? size[option]
        : wholeNumber(values[option], { option: `--${option}`, min: 1, max });
    const nodeFlags = values['node-flags'].split(' ').filter((flag) => flag !== '');
    if (nodeFlags.some((flag) => !flag.startsWith('--'))) {
      throw new UsageError('--node-flags must be arguments that begin with --.');
    }

    const { title, generator } = await findGenerator();
    const plan: Plan = {
      ...size,
      rounds: number('rounds', 1_000),
      seconds: number('seconds', 3_600),
      parts,
      nodeFlags,
      folder: values.dir,
      generator,
    };
    terminal.print(
      `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, ${title}; ` +
        `medians of ${plan.rounds} rounds of ${plan.seconds} s` +
        `${nodeFlags.length > 0 ? `; this service with ${nodeFlags.join(' ')}` : ''}`,
    );
    for (const kind of kinds) {
      const results = await measureOn(kind, plan, terminal);
      const report = values.markdown ? markdownReport(results) : textReport(results);
      terminal.print(`\n${report.trimEnd()}`);
    }
  },
});

interface Plan {
  readonly parts: ReadonlySet<string>;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly syncProducts: number;
  readonly dueHolds: number;
  readonly reportLines: number;
  readonly soakSeconds: number;
  readonly nodeFlags: readonly string[];
  readonly folder: string;
  readonly generator: Generator;
}

async function measureOn(kind: DatabaseKind, plan: Plan, terminal: Terminal): Promise<Results> {
  const logs = temporaryFolder(plan.folder, 'availability-bench-');
  try {
    const databases = await startDatabases(kind, plan.folder);
    try {
      const say = (text: string) => terminal.say(`${kind}: ${text}`);
      return await measureParts({ ...plan, databases, folder: logs.path, say }, plan);
    } finally {
      await databases.stop();
    }
  } finally {
    logs.remove();
  }
}

async function measureParts(run: Bench, plan: Plan): Promise<Results> {
  const { parts } = plan;
  const scenarios: Results['scenarios'][number][] = [];
  for (const scenario of SCENARIOS.filter(({ name }) => parts.has(name))) {
    scenarios.push({ scenario, figures: await measure(run, scenario) });
  }
  return {
    kind: run.databases.kind,
    title: run.databases.title,
    scenarios,
    start: parts.has('start') ? await measureStart(run) : null,
    sync: parts.has('sync') ? await measureSync(run, plan.syncProducts) : null,
    cleanups: parts.has('cleanup') ? await measureCleanups(run, plan.dueHolds) : [],
    reports: parts.has('reports')
      ? await measureReports(run.databases, { products: REPORT_PRODUCTS, lines: plan.reportLines })
      : null,
    soak: parts.has('soak') ? await measureSoak(run, plan.soakSeconds) : null,
  };
}
