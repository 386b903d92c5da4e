// Whether a program does the same in both worlds.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Job, type Observation, World } from './world.js';

const FIELDS = ['ending', 'outputHash', 'errorsHash', 'threads', 'children', 'descriptors'] as const;
export type Field = (typeof FIELDS)[number];

/** Before a difference counts. A program that prints the time differs from itself, too. */
const ROUNDS = 4;

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

export async function compare(worlds: Worlds, job: Job): Promise<Verdict> {
  const seen = [await both(worlds, job)];
  const verdict = judge(job, seen);
  if (verdict.result === 'same' || verdict.result === 'time limit') return verdict;
  while (seen.length < ROUNDS) seen.push(await both(worlds, job));
  return judge(job, seen);
}

interface Pair {
  readonly with: Observation;
  readonly without: Observation;
}

async function both(worlds: Worlds, job: Job): Promise<Pair> {
  const [withLibrary, without] = await Promise.all([worlds.with.observe(job), worlds.without.observe(job)]);
  return { with: withLibrary, without };
}

function judge(job: Job, seen: readonly Pair[]): Verdict {
  const last = seen.at(-1);
  if (last === undefined) throw new RangeError('nothing has been seen');
  const outcome = (result: Verdict['result'], fields: readonly Field[] = []): Verdict => {
    return { job, result, fields, ...last };
  };
  if (seen.some((pair) => pair.with.ending === 'time limit' && pair.without.ending === 'time limit')) {
    return outcome('time limit');
  }
  const differing = FIELDS.filter((field) => seen.some((pair) => pair.with[field] !== pair.without[field]));
  if (differing.length === 0) return outcome('same');
  // What one world shows at some time and the other at another is the program's own doing.
  const holes = differing.filter((field) => {
    const without = new Set(seen.map((pair) => pair.without[field]));
    return without.size === 1 && !seen.some((pair) => without.has(pair.with[field]));
  });
  return holes.length > 0 ? outcome('different', holes) : outcome('varies', differing);
}
