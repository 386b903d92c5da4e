// `pnpm test:crowd`: every program of this machine with and without the library.
//   --programs N     only so many of them             --library FILE   another one than the one that was built
//   --page FILE      the table into this page         --json           the differences as JSON
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { guestLibrary } from '../../src/index.js';
import { compare, type Verdict, Worlds } from './compare.js';
import { allPrograms, programJobs, SKIPPED, variantJobs } from './jobs.js';
import { worldObstacle } from './world.js';

const BEGIN = '<!-- crowd: written by pnpm test:crowd -->';
const END = '<!-- /crowd -->';
/** How many of the programs are also tried under each of the circumstances. */
const VARIED = 100;

const { values: options } = parseArgs({
  options: {
    programs: { type: 'string' },
    library: { type: 'string' },
    json: { type: 'boolean', default: false },
    page: { type: 'string' },
  },
});

const obstacle = worldObstacle();
if (obstacle !== undefined) {
  console.error(`the crowd test needs namespaces of its own: ${obstacle}`);
  process.exit(77);
}

const programs = allPrograms().slice(
  0,
  options.programs === undefined ? undefined : Number(options.programs),
);
const jobs = [...programJobs(programs), ...variantJobs(programs.slice(0, VARIED))];
await using worlds = new Worlds(options.library ?? guestLibrary().library);
const verdicts: Verdict[] = [];
for (const job of jobs) {
  const verdict = await compare(worlds, job);
  verdicts.push(verdict);
  if (verdict.result === 'different') report(verdict);
  if (verdicts.length % 200 === 0) console.error(`${verdicts.length} of ${jobs.length}`);
}

const table = summary(verdicts);
console.log(table);
for (const [name, reason] of Object.entries(SKIPPED)) console.log(`not run: ${name}: ${reason}`);
if (options.page !== undefined) writeSection(options.page, table);
process.exitCode = verdicts.some(({ result }) => result === 'different') ? 1 : 0;

function report({ job, fields, with: withLibrary, without }: Verdict): void {
  if (options.json) {
    console.log(JSON.stringify({ ...job, fields, with: withLibrary, without }));
    return;
  }
  console.error(`${job.variant}: ${job.command.join(' ')}: ${fields.join(', ')}`);
  console.error(`  without: ${JSON.stringify(without)}\n  with:    ${JSON.stringify(withLibrary)}`);
}

function summary(all: readonly Verdict[]): string {
  const rows = [...new Set(all.map(({ job }) => job.variant))].map((variant) => {
    const some = all.filter(({ job }) => job.variant === variant);
    const count = (result: Verdict['result']) => some.filter((verdict) => verdict.result === result).length;
    return `| ${variant} | ${some.length} | ${count('same')} | ${count('varies')} | ${count('time limit')} | ${count('different')} |`;
  });
  return [
    '| circumstances | runs | the same | differ from themselves | run into the time limit | different |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function writeSection(path: string, text: string): void {
  const page = readFileSync(path, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${path} has no section ${BEGIN}`);
  writeFileSync(path, `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`);
}
