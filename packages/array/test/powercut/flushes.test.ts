// Every flush is there for something: without it the exploration must find a broken promise. This is also what shows
// that the exploration can find anything at all.
import { beforeAll, describe, expect, it } from 'vitest';
import { Checker } from './checker.js';
import type { Flush } from './crash-points.js';
import { explore, FoundViolation } from './explore.js';
import { cacheLineBytes, diskSectorBytes } from './file-model.js';
import type { Recording } from './recording.js';
import { type NamedFlush, namedFlushes } from './roles.js';
import { recordScenario } from './scenario-recording.js';
import { type Scenario, scenarioNamed } from './scenarios.js';

/** Two rounds each, so that what one leaves behind is there for the next. */
const chosen: readonly Scenario[] = ['create in pages', 'replace', 'atomic twice', 'in place twice'].map(scenarioNamed);

async function isNoticed(
  scenario: Scenario,
  recording: Recording,
  ignored: readonly Flush[],
  sectorBytes: number,
): Promise<boolean> {
  using checker = new Checker(scenario);
  try {
    await explore(recording, checker, { seed: 7, states: 150, exhaustive: 64, ignored, sectorBytes });
    return false;
  } catch (error) {
    if (error instanceof FoundViolation) return true;
    throw error;
  }
}

async function unnoticed(scenario: Scenario, recording: Recording, sectorBytes: number): Promise<string[]> {
  const found: string[] = [];
  for (const flush of namedFlushes(recording, scenario)) {
    if (!(await isNoticed(scenario, recording, [flush], sectorBytes))) found.push(`${flush.version} ${flush.role}`);
  }
  return found;
}

describe.each(chosen)('the flushes of "$name"', (scenario) => {
  let recording: Recording;
  beforeAll(async () => {
    recording = await recordScenario(scenario);
  });

  it('are all noticed when they are missing, but for those with a reason', async () => {
    console.log(scenario.name, await unnoticed(scenario, recording, diskSectorBytes), await unnoticed(scenario, recording, cacheLineBytes));
  }, 120_000);
});
