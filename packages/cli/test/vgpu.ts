// The built command as a child process, with real files in a folder of the test's own.
import {
  type ChildProcessWithoutNullStreams,
  type SpawnOptionsWithoutStdio,
  spawn,
} from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

export const cli = join(import.meta.dirname, '..', 'dist', 'vgpu.js');
const goldenFolder = join(import.meta.dirname, '../../format/test/golden');

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function start(args: readonly string[], options: SpawnOptionsWithoutStdio = {}) {
  return spawn(process.execPath, [cli, ...args], options);
}

export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ending> {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...ending) => resolve(ending));
  });
  return { code, signal, stdout, stderr };
}

export function vgpu(...args: string[]): Promise<Ending> {
  return ended(start(args));
}

/** Runs with --json, and reads what it printed by the schema. */
export async function vgpuJson<T>(
  schema: z.ZodType<T>,
  ...args: string[]
): Promise<Ending & { document: T }> {
  const ending = await vgpu(...args, '--json');
  return { ...ending, document: schema.parse(JSON.parse(ending.stdout)) };
}

/** The exit codes of many runs, which share a process. */
export async function vgpuMany(folder: Folder, runs: readonly (readonly string[])[]): Promise<number[]> {
  const results = folder.at('exit-codes.json');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'many.mjs'), cli, results]);
  child.stdin.end(JSON.stringify(runs));
  const { code, stderr } = await ended(child);
  if (code !== 0) throw new Error(stderr);
  return z.array(z.int()).parse(JSON.parse(readFileSync(results, 'utf8')));
}

/** A folder of the test's own; gone at the end. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'vgpu-cli-file-'));

  at(name: string): string {
    return join(this.path, name);
  }

  /** Names, in order. */
  list(): string[] {
    return readdirSync(this.path).sort();
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function goldenPath(name: string): string {
  return join(goldenFolder, `${name}.pycauset`);
}

export function goldenNames(folder = ''): string[] {
  return readdirSync(join(goldenFolder, folder))
    .filter((file) => file.endsWith('.pycauset'))
    .map((file) => join(folder, file.replace(/\.pycauset$/, '')))
    .sort();
}

/** For each broken file the last part of its error's code, or the warnings with which it can be read all the same. */
export const brokenVerdicts = z
  .record(z.string(), z.union([z.string(), z.array(z.string())]))
  .parse(JSON.parse(readFileSync(join(goldenFolder, '../broken-verdicts.json'), 'utf8')));

const real = z.union([z.number(), z.string()]);
const scalar = z.union([real, z.tuple([real, real])]);
const sideCar = z.object({
  dtype: z.string(),
  structure: z.string(),
  shape: z.array(z.number()),
  active_slot: z.enum(['A', 'B']),
  generation: z.number(),
  values: z.array(z.union([scalar, z.array(scalar)])),
});
export type Golden = z.infer<typeof sideCar>;
type GoldenScalar = z.infer<typeof scalar>;

export function golden(name: string): Golden {
  return sideCar.parse(JSON.parse(readFileSync(join(goldenFolder, `${name}.json`), 'utf8')));
}

/** Every value in row-major order, as a reader of .npy gives them. */
export function goldenValues({ shape, dtype, values }: Golden): unknown[] {
  const flat = (shape.length === 1 ? values : values.flat(1)) as GoldenScalar[];
  return flat.map((value) => {
    // A row of two numbers and a complex number look alike; the dtype tells them apart.
    if (Array.isArray(value)) return { re: Number(value[0]), im: Number(value[1]) };
    return dtype === 'i64' || dtype === 'u64' ? BigInt(value) : Number(value);
  });
}
