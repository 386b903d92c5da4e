import type { WriteStream } from 'node:tty';
import type { Clustering } from './kmeans.js';
import { drawMap, mark, type Palette } from './map.js';
import type { Program } from './program.js';
import type { ProgramResult } from './result.js';
import { table } from '../output/table.js';
import { METRES_PER_UNIT, type ZipCodes } from './zip-codes.js';

export interface Step {
  step: string;
  where: string;
  times: number;
  milliseconds: number;
}

export interface ClusterSummary {
  /** The place of the data set that is nearest to the cluster's centre. */
  near: string;
  zipCodes: number;
  /** From the centre, on average. */
  meanDistanceKm: number;
}

/** How much colour a stream takes; NO_COLOR and FORCE_COLOR are looked at by Node itself. */
export function paletteOf(stream: Partial<WriteStream>, environment: NodeJS.ProcessEnv): Palette {
  if (environment.NO_COLOR && environment.FORCE_COLOR === undefined) return 'none';
  if (!stream.isTTY || !stream.getColorDepth) return 'none';
  // The coloured map is made of braille characters.
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || '';
  if (!/utf-?8/i.test(locale)) return 'none';
  const depth = stream.getColorDepth(environment);
  return depth >= 8 ? '256' : depth >= 4 ? '16' : 'none';
}

export function summarise(zipCodes: ZipCodes, { centres, assignment }: Clustering): ClusterSummary[] {
  const { x, y, names } = zipCodes;
  const distance = (point: number, centre: { x: number; y: number }) =>
    Math.hypot((x[point] ?? 0) - centre.x, (y[point] ?? 0) - centre.y);
  return centres.map((centre, cluster) => {
    let points = 0;
    let sum = 0;
    let nearest = -1;
    let nearestDistance = Number.POSITIVE_INFINITY;
    assignment.forEach((own, point) => {
      if (own !== cluster) return;
      const away = distance(point, centre);
      points += 1;
      sum += away;
      if (away < nearestDistance) {
        nearest = point;
        nearestDistance = away;
      }
    });
    const meanDistanceKm = points === 0 ? 0 : ((sum / points) * METRES_PER_UNIT) / 1000;
    return { near: names[nearest] ?? '(nothing)', zipCodes: points, meanDistanceKm };
  });
}

/** Every step with its place and its time, in the order in which they happen. */
export function steps(
  program: Program,
  result: ProgramResult,
  wholeMs: number,
  typescriptMs: number,
): Step[] {
  const inProgram = result.steps.map(({ name, where, times, milliseconds }) => ({
    step: `  ${name}`,
    where: where === 'device' ? result.device : 'the program, on the CPU',
    times,
    milliseconds,
  }));
  const origin = program.kind === 'cu' ? 'kmeans.cu' : 'kmeans_driver.c';
  const cached = program.buildMilliseconds === 0;
  const build = cached ? [] : [{ step: `build ${origin}`, where: program.compiler, times: 1 }];
  return [
    ...build.map((step) => ({ ...step, milliseconds: program.buildMilliseconds })),
    { step: 'the program, with start and end', where: 'vgpu run', times: 1, milliseconds: wholeMs },
    ...inProgram,
    { step: 'the same in TypeScript', where: 'Node.js, one core', times: 1, milliseconds: typescriptMs },
  ];
}

/** The part of the report that people read: map, legend, times. */
export function render(
  zipCodes: ZipCodes,
  result: ProgramResult,
  clusters: ClusterSummary[],
  timeline: Step[],
  { palette, columns }: { palette: Palette; columns: number },
): string {
  const legend = clusters.map(
    ({ near, zipCodes: count, meanDistanceKm }, cluster) =>
      `${mark(cluster, palette)} ${near.padEnd(24)} ${format(count).padStart(6)} zip codes, ` +
      `${format(Math.round(meanDistanceKm)).padStart(4)} km from the centre on average`,
  );
  const times = table(
    ['step', 'where', 'times', 'ms'],
    timeline.map(({ step, where, times: count, milliseconds }) => [
      step,
      where,
      String(count),
      milliseconds.toFixed(1),
    ]),
  );
  const width = Math.max(40, Math.min(columns, 100) - 1);
  return [...drawMap(zipCodes, result.assignment, width, palette), '', ...legend, '', ...times, ''].join(
    '\n',
  );
}

export function format(count: number): string {
  return count.toLocaleString('en-US');
}
