// What the flushes of a recording are for, so that a test can speak of them.
import { type Flush, flushesOf } from './crash-points.js';
import type { Recording } from './recording.js';
import type { Scenario } from './scenarios.js';

const rolesOf = {
  /** The new file under its temporary name, and the directory after the rename. */
  whole: ['file', 'name'],
  atomic: ['payload', 'metadata', 'slot', 'mirror'],
  'in-place': ['dirty metadata', 'dirty slot', 'dirty mirror', 'payload', 'metadata', 'slot', 'mirror'],
} as const;

export interface NamedFlush extends Flush {
  readonly role: string;
  readonly version: number;
}

/** @throws Error when the program flushes more or less often than its protocol says. */
export function namedFlushes({ operations }: Recording, scenario: Scenario): NamedFlush[] {
  const flushes = flushesOf(operations);
  const named: NamedFlush[] = [];
  for (const [index, step] of scenario.recorded.entries()) {
    const version = scenario.before.length + index + 1;
    const whole = step.kind === 'create' || step.kind === 'import';
    const roles = rolesOf[whole ? 'whole' : scenario.update];
    const from = operations.findIndex(({ kind, path }) => kind === 'mark' && path === `begin ${version}`);
    const to = operations.findIndex(({ kind, path }) => kind === 'mark' && path === `done ${version}`);
    const own = flushes.filter(({ first, last }) => from < first && last < to);
    if (own.length !== roles.length) {
      throw new Error(
        `version ${version} of "${scenario.name}" takes ${own.length} flushes, not ${roles.length}`,
      );
    }
    for (const [place, flush] of own.entries()) {
      named.push({ ...flush, role: roles[place] ?? '', version });
    }
  }
  return named;
}
