// Every flush is there for something: without it the exploration must find a broken promise. This is also what shows
// that the exploration can find anything at all.
import { beforeAll, expect, it } from 'vitest';
import { describeOnLinux } from '../linux.js';
import { Checker } from './checker.js';
import type { Flush } from './crash-points.js';
import { exploreDamagedSlots } from './damaged-slots.js';
import { explore, FoundViolation } from './explore.js';
import { cacheLineBytes } from './file-model.js';
import type { Recording } from './recording.js';
import { type NamedFlush, namedFlushes } from './roles.js';
import { recordScenario } from './scenario-recording.js';
import { type Scenario, scenarioNamed } from './scenarios.js';

/** Two rounds each, so that what one leaves behind is there for the next. */
const chosen = ['create in pages', 'replace', 'atomic twice', 'in place twice'].map(scenarioNamed);

/** Three ways to look: a disk with sectors, memory that tears anywhere, and a slot that is lost later. */
async function isNoticed(
  scenario: Scenario,
  recording: Recording,
  ignored: readonly Flush[],
): Promise<boolean> {
  using checker = new Checker(scenario);
  const options = { seed: 7, states: 80, exhaustive: 48, ignored };
  try {
    await explore(recording, checker, options);
    await explore(recording, checker, { ...options, sectorBytes: cacheLineBytes });
    if (scenario.before.length > 0) await exploreDamagedSlots(recording, checker, { ignored });
    return false;
  } catch (error) {
    if (error instanceof FoundViolation) return true;
    throw error;
  }
}

/**
 * Flushes that nobody misses. That of the payload comes early, so that the disk is busy while checksums are computed;
 * the one of the metadata comes next and covers the whole file.
 */
const unnecessary = ['payload'];

for (const scenario of chosen) {
  describeOnLinux(`the flushes of "${scenario.name}"`, () => {
    let recording: Recording;
    beforeAll(async () => {
      recording = await recordScenario(scenario);
    });

    it('suffice', async () => {
      expect(await isNoticed(scenario, recording, [])).toBe(false);
    }, 60_000);

    it('are missed, each of them, but for the early one of the payload', async () => {
      const flushes = namedFlushes(recording, scenario);
      const unnoticed: NamedFlush[] = [];
      for (const flush of flushes) {
        if (!(await isNoticed(scenario, recording, [flush]))) unnoticed.push(flush);
      }
      const expected = flushes.filter(({ role }) => unnecessary.includes(role));
      expect(unnoticed).toEqual(expected);
      for (const flush of unnoticed) {
        const next = flushes[flushes.indexOf(flush) + 1];
        if (next === undefined) throw new Error('a flush that comes early must be followed by one');
        expect(await isNoticed(scenario, recording, [flush, next])).toBe(true);
      }
    }, 120_000);
  });
}
