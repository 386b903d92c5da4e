// The short form; `pnpm --filter @vgpu/array powercut -- --states 100000` is the long one.
import { describe, expect, it } from 'vitest';
import { Checker } from './checker.js';
import { exploreDamagedSlots } from './damaged-slots.js';
import { explore } from './explore.js';
import { cacheLineBytes, diskSectorBytes } from './file-model.js';
import { recordScenario } from './scenario-recording.js';
import { scenarios } from './scenarios.js';

const seed = 20;

describe.each(scenarios.map((scenario) => ({ name: scenario.name, scenario })))(
  'a power cut during $name',
  ({ scenario }) => {
    it('leaves the old version, the new one, or an error that says what happened', async () => {
      const recording = await recordScenario(scenario);
      using checker = new Checker(scenario);
      for (const sectorBytes of [diskSectorBytes, cacheLineBytes]) {
        const { states } = await explore(recording, checker, {
          seed,
          states: 50,
          exhaustive: 48,
          sectorBytes,
        });
        expect(states).toBeGreaterThanOrEqual(recording.operations.length > 30 ? 40 : 10);
      }
      // A new file has nothing else to open.
      if (scenario.before.length > 0) await exploreDamagedSlots(recording, checker);
      expect(checker.outcomes.keys()).toContain('acknowledged version');
    }, 120_000);
  },
);
