// The one table of benchmarks, and what of each one's JSON is kept.
import { z } from 'zod';
import { goal, type Quantity } from './document.js';

export interface Benchmark {
  readonly name: string;
  /** Where its command runs. */
  readonly folder: string;
  readonly command: readonly [string, ...string[]];
  /** @throws when the text is not the JSON that it is to write */
  readonly read: (text: string) => Quantity[];
}

export const benchmarks: readonly Benchmark[] = [
  {
    name: 'format',
    folder: 'packages/format',
    command: ['node', 'bench/decode-header.mjs', '--json'],
    read: reader(
      z.object({ perSecond: z.record(z.string(), z.number()), goal: z.number() }),
      ({ perSecond, goal: least }) =>
        Object.entries(perSecond).map(([what, value]) => ({
          what,
          value,
          unit: '/s',
          ...(what === 'decodeHeader' && { goal: { least } }),
        })),
    ),
  },
  {
    name: 'array',
    folder: 'packages/array',
    command: ['node', 'bench/storage.mjs', '--json'],
    read: reader(storage(), ({ open, update, write, read }) => [
      { what: 'open 10 GiB', value: open.medianMilliseconds, unit: 'ms', goal: { most: 1 } },
      { what: 'commit of one element of 8 MiB, atomic', value: update.atomicMilliseconds, unit: 'ms' },
      { what: 'commit of one element of 8 MiB, in place', value: update.inPlaceMilliseconds, unit: 'ms' },
      ...ratiosOf('write', write),
      ...ratiosOf('read', read),
    ]),
  },
  {
    name: 'resilience',
    folder: 'packages/resilience',
    command: ['node', 'bench/breaker.mjs', '--json'],
    read: reader(breaker(), ({ closedAdded, openAdded, emitAdded, withFallbackAdded, ...rest }) => [
      {
        what: 'closed breaker adds',
        value: closedAdded,
        unit: 'ns',
        goal: { most: rest.goal.closedNanoseconds },
      },
      { what: 'open breaker adds', value: openAdded, unit: 'ns' },
      { what: 'telemetry event adds', value: emitAdded, unit: 'ns' },
      { what: 'withFallback adds', value: withFallbackAdded, unit: 'ns' },
    ]),
  },
  {
    name: 'cuda-native',
    folder: 'packages/cuda-native',
    command: ['node', 'bench/compute.mjs', '--json'],
    read: reader(
      z.object({
        ratios: z.record(z.string(), z.number()),
        goal: z.object({ callOverhead: z.number(), sortPairs: z.number() }),
      }),
      ({ ratios, goal: { callOverhead, sortPairs } }) =>
        Object.entries(ratios).map(([what, value]) => ({
          what,
          value,
          unit: '×',
          ...(what.startsWith('time of a tiny call') && { goal: { most: callOverhead } }),
          ...(what.startsWith('sortPairs beside') && { goal: { least: sortPairs } }),
        })),
    ),
  },
  compiled('cuda-native kernels', 'packages/cuda-native', 'build/native/bin/compute_bench'),
  {
    name: 'packages from npm',
    folder: 'packages/cuda-native',
    command: ['node', 'bench/packages.mjs', '--json'],
    read: reader(
      z.object({
        table: z.array(z.object({ operation: z.string(), timesAsLong: z.record(z.string(), z.number()) })),
      }),
      ({ table }) =>
        table.flatMap(({ operation, timesAsLong }) =>
          Object.entries(timesAsLong).map(([beside, value]) => ({
            what: operation,
            beside,
            value,
            unit: '×',
          })),
        ),
    ),
  },
  compiled('executor products', 'packages/executor', 'build/native/bin/executor_blas_bench'),
  {
    name: 'software-gpu',
    folder: 'packages/software-gpu',
    command: ['build/native/bin/software_gpu_bench', '--json'],
    read: reader(
      z.array(z.object({ path: z.string(), threads: z.int(), kernel: z.string(), ratio: z.number() })),
      (rows) =>
        rows.map(({ path, threads, kernel, ratio }) => ({
          what: `${kernel}, ${path}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
          beside: 'C++',
          value: ratio,
          unit: '×',
        })),
    ),
  },
  {
    name: 'transport',
    folder: 'packages/preload-shim',
    command: ['node', 'bench/transport.mjs', '--json'],
    read: reader(transport(), ({ results, goal: goals }) =>
      Object.entries(results).flatMap(([name, quantities]) =>
        Object.entries(quantities).map(([what, value]) => ({
          what: `${name}: ${what}`,
          value,
          unit: unitOf(what),
          ...(goals[name]?.[what] && { goal: goals[name][what] }),
        })),
      ),
    ),
  },
  {
    name: 'CUB',
    folder: 'packages/preload-shim',
    command: ['node', 'bench/radix_sort.mjs', '--json'],
    read: reader(z.object({ keys: z.int(), ratios: z.record(z.string(), z.number()) }), ({ keys, ratios }) =>
      Object.entries(ratios).map(([beside, value]) => ({
        what: `radix sort of ${keys} keys`,
        beside,
        value,
        unit: '×',
      })),
    ),
  },
  {
    name: 'library',
    folder: 'packages/preload-shim',
    command: ['node', 'bench/start.mjs', '--json'],
    read: reader(
      z.object({
        libraries: z.array(
          z.object({ name: z.string(), microseconds: z.number(), instructions: z.number() }),
        ),
      }),
      ({ libraries }) =>
        libraries.flatMap(({ name, microseconds, instructions }): Quantity[] => [
          { what: `${name}: added to a start`, value: microseconds, unit: 'µs' },
          { what: `${name}: added to a start`, value: instructions, unit: 'instructions' },
        ]),
    ),
  },
  {
    name: 'cli',
    folder: 'packages/cli',
    command: ['node', 'bench/startup.mjs', '--json'],
    read: reader(z.object({ addedMs: z.number(), goalMs: z.number() }), ({ addedMs, goalMs }) => [
      { what: 'vgpu run of one kernel adds', value: addedMs, unit: 'ms', goal: { most: goalMs } },
    ]),
  },
];

function reader<T>(schema: z.ZodType<T>, quantities: (document: T) => Quantity[]): Benchmark['read'] {
  return (text) => quantities(schema.parse(JSON.parse(text)));
}

/** A program in C++ that writes ratios. */
function compiled(name: string, folder: string, program: string): Benchmark {
  const row = z.object({ what: z.string(), beside: z.string(), ratio: z.number(), goal: goal.optional() });
  const read = reader(z.array(row), (rows) =>
    rows.map(({ ratio, goal: wanted, ...rest }) => ({
      ...rest,
      value: ratio,
      unit: '×',
      ...(wanted && { goal: wanted }),
    })),
  );
  return { name, folder, command: [program, '--json'], read };
}

function storage() {
  const row = z.object({ name: z.string(), beside: z.string().optional(), ratio: z.number().optional() });
  return z.object({
    open: z.object({ medianMilliseconds: z.number() }),
    update: z.object({ atomicMilliseconds: z.number(), inPlaceMilliseconds: z.number() }),
    write: z.array(row.extend({ met: z.boolean().optional() })),
    read: z.array(row.extend({ met: z.boolean().optional() })),
  });
}

/** How many times as long as the same in C. */
function ratiosOf(verb: string, rows: z.infer<ReturnType<typeof storage>>['write']): Quantity[] {
  return rows.flatMap(({ name, beside, ratio, met }): Quantity[] =>
    beside === undefined || ratio === undefined
      ? []
      : [
          {
            what: `${verb}, ${name}`,
            beside,
            value: ratio,
            unit: '×',
            ...(met !== undefined && { goal: { most: 1.05 } }),
          },
        ],
  );
}

function breaker() {
  return z.object({
    closedAdded: z.number(),
    openAdded: z.number(),
    emitAdded: z.number(),
    withFallbackAdded: z.number(),
    goal: z.object({ closedNanoseconds: z.number() }),
  });
}

function transport() {
  return z.object({
    results: z.record(z.string(), z.record(z.string(), z.number())),
    goal: z.record(z.string(), z.record(z.string(), goal)),
  });
}

/** The benchmark names its quantities by their units. */
function unitOf(what: string): Quantity['unit'] {
  if (/Microseconds/.test(what)) return 'µs';
  if (/Milliseconds$/.test(what)) return 'ms';
  if (/GigabytesPerSecond$/.test(what)) return 'GB/s';
  if (/PerSecond$/.test(what)) return '/s';
  if (/OfMemcpy$/.test(what)) return '×';
  throw new Error(`${what} has no unit`);
}
