// Whether a program does the same in both worlds.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Job, type Observation, World } from './world.js';

const FIELDS = ['ending', 'outputHash', 'errorsHash', 'threads', 'children', 'descriptors'] as const;
export type Field = (typeof FIELDS)[number];

/** Looked at where the first one differs. A program that prints the time differs from itself, too. */
const ROUNDS = 12;
/** In so many of them it must do otherwise than it ever does without the library: what is left to chance does not. */
const ENOUGH = 9;

export interface Verdict {
  readonly job: Job;
  readonly result: 'same' | 'varies' | 'different' | 'time limit';
  readonly fields: readonly Field[];
  readonly without: Observation;
  readonly with: Observation;
}

/** One with the library and one without. */
export class Worlds {
  readonly #folder = mkdtempSync(join(tmpdir(), 'vgpu-crowd-'));
  readonly with: World;
  readonly without: World;

  constructor(library: string) {
    this.with = new World(this.#folder, library, true);
    this.without = new World(this.#folder, library, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.with.close(), this.without.close()]);
    rmSync(this.#folder, { recursive: true });
  }
}

interface Pair {
  readonly with: Observation;
  readonly without: Observation;
}

export async function compare(worlds: Worlds, job: Job): Promise<Verdict> {
  const seen = [await atOnce(worlds, job)];
  while (!isOutOfTime(seen) && FIELDS.some((field) => isSuspicious(seen, field) && !isDecided(seen, field))) {
    seen.push(await inTurn(worlds, job, seen.length % 2 === 0));
  }
  return judge(job, seen);
}

async function atOnce(worlds: Worlds, job: Job): Promise<Pair> {
  const [withLibrary, without] = await Promise.all([worlds.with.observe(job), worlds.without.observe(job)]);
  return { with: withLibrary, without };
}

/** Neither takes anything from the other, and neither is always the first. */
async function inTurn(worlds: Worlds, job: Job, libraryFirst: boolean): Promise<Pair> {
  if (libraryFirst)
    return { with: await worlds.with.observe(job), without: await worlds.without.observe(job) };
  const without = await worlds.without.observe(job);
  return { with: await worlds.with.observe(job), without };
}

const isOutOfTime = (seen: readonly Pair[]) =>
  seen.some((pair) => pair.with.ending === 'time limit' && pair.without.ending === 'time limit');

/** Always the same without the library, but not with it. */
function isSuspicious(seen: readonly Pair[], field: Field): boolean {
  return new Set(seen.map((pair) => pair.without[field])).size === 1 && strange(seen, field) > 0;
}

const strange = (seen: readonly Pair[], field: Field) =>
  seen.filter((pair) => pair.with[field] !== pair.without[field]).length;

function isDecided(seen: readonly Pair[], field: Field): boolean {
  const left = ROUNDS - seen.length;
  return left === 0 || strange(seen, field) + left < ENOUGH;
}

function judge(job: Job, seen: readonly Pair[]): Verdict {
  const last = seen.at(-1);
  if (last === undefined) throw new RangeError('nothing has been seen');
  const outcome = (result: Verdict['result'], fields: readonly Field[] = []): Verdict => {
    return { job, result, fields, ...last };
  };
  if (isOutOfTime(seen)) return outcome('time limit');
  const differing = FIELDS.filter((field) => strange(seen, field) > 0);
  if (differing.length === 0) return outcome('same');
  const holes = differing.filter((field) => isSuspicious(seen, field) && strange(seen, field) >= ENOUGH);
  return holes.length > 0 ? outcome('different', holes) : outcome('varies', differing);
}
