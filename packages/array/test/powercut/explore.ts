// Tries the states that a power cut could leave of one recording.
import { createHash } from 'node:crypto';
import { type Checker, Violation } from './checker.js';
import { type CrashOptions, type CrashPoint, crashPoints } from './crash-points.js';
import { CrashStates } from './crash-states.js';
import type { CrashChoice } from './file-system-model.js';
import { randomFrom } from './random.js';
import type { Recording } from './recording.js';

export interface ExploreOptions extends CrashOptions {
  readonly seed: number;
  /** Different states to try, roughly. */
  readonly states: number;
  /** Where there are at most so many, all are tried: 2^12 unless said otherwise. */
  readonly exhaustive?: number;
  readonly onState?: () => void;
}

export interface Exploration {
  /** Different ones; the same bytes with the same promise count once. */
  states: number;
  /** Moments before a flush, or before more is promised. */
  points: number;
  /** Points of which every possible state was tried. */
  exhausted: number;
}

/** A violation, and where it was found. */
export class FoundViolation extends Error {
  readonly operation: number;
  readonly files: ReadonlyMap<string, Uint8Array>;

  constructor(violation: Violation, operation: number, files: ReadonlyMap<string, Uint8Array>) {
    super(`power cut before operation ${operation}: ${violation.message}`, { cause: violation });
    this.operation = operation;
    this.files = files;
  }
}

/** @throws FoundViolation for the first state that breaks a promise */
export async function explore(
  recording: Recording,
  checker: Checker,
  options: ExploreOptions,
): Promise<Exploration> {
  const { exhaustive = 4096, onState, seed } = options;
  const crashOptions = { ...options, firstVersion: checker.firstVersion };
  const seen = new Set<string>();
  const result: Exploration = { states: 0, points: 0, exhausted: 0 };
  const samples = samplesPerPoint(recording, crashOptions, options.states, exhaustive);
  for (const point of crashPoints(recording, crashOptions)) {
    const possible = new CrashStates(point.model);
    const exhausts = possible.count <= exhaustive;
    if (!point.minor) result.points += 1;
    if (!point.minor && exhausts) result.exhausted += 1;
    const before = result.states;
    for (const choice of choicesAt(point, possible, exhausts, seed, 3 * samples)) {
      if (!exhausts && result.states >= before + samples) break;
      const files = point.model.after(choice);
      const key = fingerprint(files, point.allowed);
      if (seen.has(key)) continue;
      seen.add(key);
      await checkState(checker, point, files);
      result.states += 1;
      onState?.();
    }
  }
  return result;
}

/** What the points that cannot be exhausted must give to make up the number of states. */
function samplesPerPoint(
  recording: Recording,
  options: CrashOptions,
  states: number,
  exhaustive: number,
): number {
  let endless = 0;
  let exhausted = 0;
  for (const { minor, model } of crashPoints(recording, options)) {
    if (minor) continue;
    const { count } = new CrashStates(model);
    if (count <= exhaustive) exhausted += count;
    else endless += 1;
  }
  return Math.ceil(Math.max(states - exhausted, 20 * endless) / Math.max(endless, 1));
}

async function checkState(
  checker: Checker,
  { operation, allowed }: CrashPoint,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  try {
    await checker.check(files, allowed);
  } catch (error) {
    if (error instanceof Violation) throw new FoundViolation(error, operation, files);
    throw error;
  }
}

/** Everything where that is possible, else what is typical and then chance, which repeats itself. */
function* choicesAt(
  { minor, operation }: CrashPoint,
  possible: CrashStates,
  exhausts: boolean,
  seed: number,
  tries: number,
): Generator<CrashChoice> {
  if (minor) return yield possible.everything();
  yield* possible.typical();
  if (exhausts) return yield* possible.all();
  const random = randomFrom(seed, operation);
  for (let count = 0; count < tries; count++) yield possible.sample(random);
}

function fingerprint(files: ReadonlyMap<string, Uint8Array>, allowed: readonly number[]): string {
  const hash = createHash('sha1').update(allowed.join());
  for (const [name, bytes] of files) hash.update(`\0${name}\0${bytes.length}\0`).update(bytes);
  return hash.digest('base64');
}
