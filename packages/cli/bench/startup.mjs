// What vgpu adds to the start of a program: `vgpu --version`, and `vgpu run` of a program with one tiny kernel, beside
// a Node that does nothing. Run after a build.
//
//   node bench/startup.mjs [--rounds N] [--json]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { selfTestProgram } from '@vgpu/preload-shim';

/** What `vgpu run` of one kernel may add, in ms, the executor's start and end included. */
const GOAL_MS = 60;

const { values } = parseArgs({ options: { rounds: { type: 'string' }, json: { type: 'boolean' } } });
const rounds = Number(values.rounds ?? 31);

const cli = join(import.meta.dirname, '../dist/vgpu.js');
const cases = {
  node: ['-e', '0'],
  version: [cli, '--version'],
  run: [cli, 'run', '--gpu', 'software', '--', selfTestProgram()],
};
const samples = { node: [], version: [], run: [] };
// Alternating, so that a busy machine slows all.
for (let round = 0; round < rounds; round++) {
  for (const [name, args] of Object.entries(cases)) samples[name].push(measure(args));
}

const node = median('node');
// On a machine with nothing else to do Node's start takes about as long as the processor works for it; others' work
// makes that longer too, by emptying the caches, so the shortest is taken.
const busy = Math.max(1, node.elapsed / Math.min(...samples.node.map(({ processor }) => processor)));
const report = {
  schemaVersion: 1,
  rounds,
  busy,
  goalMs: GOAL_MS,
  node,
  version: added('version'),
  run: added('run'),
};
report.addedMs = report.run.added.elapsed / busy;
report.met = report.addedMs < GOAL_MS;
if (values.json) console.log(JSON.stringify(report, undefined, 2));
else printReport();
process.exitCode = report.met ? 0 : 1;

function printReport() {
  const ms = (value) => `${value.toFixed(0).padStart(6)} ms`;
  const row = (name, { elapsed, processor, added }) =>
    console.log(
      `${name.padEnd(22)}${ms(elapsed)}${ms(processor)}${added ? `   added:${ms(added.elapsed)}${ms(added.processor)}` : ''}`,
    );
  console.log(`${''.padEnd(22)}  elapsed processor`);
  row('node -e 0', report.node);
  row('vgpu --version', report.version);
  row('vgpu run, one kernel', report.run);
  console.log(
    `vgpu run adds ${report.addedMs.toFixed(0)} ms, with the machine's other work (a factor of ${busy.toFixed(1)}) ` +
      `taken out; the goal of less than ${GOAL_MS} was ${report.met ? '' : 'not '}met`,
  );
}

function median(name) {
  const of = (quantity) => samples[name].map((sample) => sample[quantity]).sort((a, b) => a - b)[rounds >> 1];
  return { elapsed: of('elapsed'), processor: of('processor') };
}

function added(name) {
  const own = median(name);
  return {
    ...own,
    added: { elapsed: own.elapsed - node.elapsed, processor: own.processor - node.processor },
  };
}

/** Milliseconds elapsed, and of the processor for the process and all its descendants, which the shell adds up. */
function measure(args) {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"';
  const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', process.execPath, ...args], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  const [elapsed, user, system] = stderr
    .trim()
    .split(/\s+/)
    .map((seconds) => Number(seconds) * 1000);
  return { elapsed, processor: user + system };
}
