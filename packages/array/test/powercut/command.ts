// pnpm --filter @vgpu/array powercut -- [--states 100000] [--seed N] [--scenario NAME [--recording FOLDER]]
import { parseArgs } from 'node:util';
import { Checker } from './checker.js';
import { exploreDamagedSlots } from './damaged-slots.js';
import { type Exploration, explore, FoundViolation } from './explore.js';
import { cacheLineBytes, diskSectorBytes } from './file-model.js';
import type { Recording } from './recording.js';
import { loadRecording, saveFailure } from './saved-recording.js';
import { recordScenario } from './scenario-recording.js';
import { type Scenario, scenarioNamed, scenarios } from './scenarios.js';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    states: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() >>> 0) },
    scenario: { type: 'string' },
    recording: { type: 'string' },
  },
});
const wanted = Number(values.states);
const seed = Number(values.seed) >>> 0;
if (!Number.isSafeInteger(wanted) || wanted < 1)
  throw new Error(`how many states? ${values.states} is no count`);
if (values.recording !== undefined && values.scenario === undefined) {
  throw new Error('of which scenario is the recording? Name it with --scenario');
}

let states = 0;
const outcomes = new Map<string, number>();
const start = Date.now();

function progress(): void {
  states += 1;
  if (states % 5000 === 0) console.log(`${states} states, ${Math.round((Date.now() - start) / 1000)} s`);
}

async function run(scenario: Scenario, share: number, round: number): Promise<void> {
  const recording =
    values.recording === undefined ? await recordScenario(scenario) : loadRecording(values.recording);
  using checker = new Checker(scenario);
  try {
    const half = Math.ceil(share / 2);
    const results: Exploration[] = [];
    for (const sectorBytes of [diskSectorBytes, cacheLineBytes]) {
      const options = { seed: seed + round, states: half, sectorBytes, onState: progress };
      results.push(await explore(recording, checker, options));
    }
    const damaged = scenario.before.length > 0 ? await exploreDamagedSlots(recording, checker) : 0;
    const counts = results.map(
      ({ states, points, exhausted }) => `${states} (${exhausted} of ${points} points exhausted)`,
    );
    console.log(
      `${scenario.name}: ${recording.operations.length} operations; states: ${counts.join(', torn anywhere ')}, with a lost slot ${damaged}`,
    );
  } catch (error) {
    if (error instanceof FoundViolation) explain(scenario, recording, error);
    throw error;
  }
  for (const [outcome, count] of checker.outcomes)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
}

function explain(scenario: Scenario, recording: Recording, { operation, files }: FoundViolation): void {
  const folder = saveFailure(scenario.name, recording, files);
  const from = Math.max(0, operation - 12);
  for (const [index, each] of recording.operations.slice(from, operation + 1).entries()) {
    const place = `${each.first} ${each.second || each.bytes.length || ''} ${each.path} ${each.other}`;
    console.error(`${from + index}: ${each.kind} file ${each.file} at ${place}`);
  }
  console.error(`seed ${seed}; kept in ${folder}; again with:
  pnpm --filter @vgpu/array powercut -- --seed ${seed} --states ${wanted} --scenario '${scenario.name}' --recording ${folder}`);
}

console.log(`seed ${seed}, ${wanted} states`);
/** What small scenarios do not have is left for those that come later. */
async function runAll(chosen: readonly Scenario[], round: number): Promise<void> {
  for (const [index, scenario] of chosen.entries()) {
    await run(scenario, Math.max(100, Math.ceil((wanted - states) / (chosen.length - index))), round);
  }
}

const chosen = values.scenario === undefined ? scenarios : [scenarioNamed(values.scenario)];
await runAll(chosen, 0);
// Chance repeats itself, so a few states may be lacking. Another recording has other names and other states.
const large = chosen.filter((scenario) => scenario.large === true);
for (let round = 1; states < wanted && large.length > 0; round++) await runAll(large, round);

for (const [outcome, count] of [...outcomes].sort((a, b) => b[1] - a[1])) console.log(`${count} ${outcome}`);
console.log(
  `${states} different states in ${Math.round((Date.now() - start) / 1000)} s, no promise broken (seed ${seed})`,
);
