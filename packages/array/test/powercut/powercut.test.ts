// The short form; `pnpm --filter @vgpu/array powercut -- --states 100000` is the long one.
import { expect, it } from 'vitest';
import { describeOnLinux } from '../linux.js';
import { Checker } from './checker.js';
import { exploreDamagedSlots } from './damaged-slots.js';
import { explore } from './explore.js';
import { cacheLineBytes, diskSectorBytes } from './file-model.js';
import { recordScenario } from './scenario-recording.js';
import { type Scenario, scenarios } from './scenarios.js';

const options = { seed: 20, states: 40, exhaustive: 40 };

async function survives(scenario: Scenario): Promise<void> {
  const recording = await recordScenario(scenario);
  using checker = new Checker(scenario);
  for (const sectorBytes of [diskSectorBytes, cacheLineBytes]) {
    const { states } = await explore(recording, checker, { ...options, sectorBytes });
    expect(states).toBeGreaterThanOrEqual(recording.operations.length > 30 ? 30 : 10);
  }
  // The other scenarios commit in the same ways.
  if (scenario.name === 'metadata' || scenario.name === 'in place') {
    expect(await exploreDamagedSlots(recording, checker)).toBeGreaterThan(50);
  }
  expect(checker.outcomes.keys()).toContain('acknowledged version');
}

describeOnLinux(
  'a power cut leaves the old version, the new one, or an error that says what happened',
  () => {
    for (const scenario of scenarios) {
      it(`during "${scenario.name}"`, () => survives(scenario), 120_000);
    }
  },
);
