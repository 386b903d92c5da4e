import { jsonDocument } from '../output/json.js';
import { Progress } from '../output/progress.js';
import { stdout } from '../output/stdout.js';
import { difference, kmeans } from './kmeans.js';
import { launch } from './launch.js';
import { buildProgram, findSources, type ProgramKind } from './program.js';
import { format, paletteOf, render, steps, summarise } from './report.js';
import { findZipCodes, readZipCodes } from './zip-codes.js';

export interface DemoOptions {
  /** Which GPU `vgpu run` is to take; its own default when absent. */
  gpu?: string;
  /** Insist on the version built by nvcc, or on the one from PTX text. */
  program?: ProgramKind;
  /** The machine-readable result on stdout instead of the map. */
  json?: boolean;
  /** vgpu's entry point, when it is not the running script. */
  cli?: string;
}

const CLUSTERS = 12;
const ROUND_LIMIT = 200;

/** Runs the demo and returns the exit code: 0 when GPU and TypeScript agree, 1 when they do not. */
export async function runDemo(options: DemoOptions = {}): Promise<number> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const progress = new Progress();
  const path = findZipCodes();
  const zipCodes = readZipCodes(path);
  say(`${format(zipCodes.x.length)} zip codes (GeoNames, CC BY 4.0), k-means with ${CLUSTERS} clusters`);

  const program = await progress.during('building the CUDA program', () =>
    buildProgram(findSources(), options.program, (message) => say(`vgpu: warning: ${message}`)),
  );
  const wholeStart = performance.now();
  const result = await progress.during('k-means through vgpu run', (detail) =>
    launch({
      cli: options.cli ?? process.argv[1] ?? '',
      program,
      zipCodes: path,
      clusterCount: CLUSTERS,
      roundLimit: ROUND_LIMIT,
      gpu: options.gpu,
      onLine: detail,
    }),
  );
  const wholeMs = performance.now() - wholeStart;

  const typescriptStart = performance.now();
  const expected = kmeans(zipCodes.x, zipCodes.y, CLUSTERS, ROUND_LIMIT);
  const typescriptMs = performance.now() - typescriptStart;
  const wrong = difference(result, expected);

  const clusters = summarise(zipCodes, result);
  const timeline = steps(program, result, wholeMs, typescriptMs);
  if (options.json) {
    const { device, rounds, converged, centres } = result;
    const points = zipCodes.x.length;
    const facts = { device, program: program.kind, points, rounds, converged, matches: wrong === undefined };
    const places = clusters.map((cluster, index) => ({ ...cluster, centre: centres[index] }));
    const times = timeline.map((step) => ({ ...step, step: step.step.trim() }));
    const document = { ...facts, difference: wrong, clusters: places, steps: times };
    stdout().write(jsonDocument('demo', wrong === undefined, document));
  } else {
    const view = { palette: paletteOf(process.stdout, process.env), columns: process.stdout.columns ?? 80 };
    stdout().write(render(zipCodes, result, clusters, timeline, view));
  }
  if (wrong !== undefined) {
    say(`vgpu: WRONG: the GPU's result differs from TypeScript's: ${wrong}`);
    return 1;
  }
  say(
    `${result.device} and TypeScript agree on all ${format(zipCodes.x.length)} points and ${CLUSTERS} centres ` +
      `after ${result.rounds} rounds`,
  );
  return 0;
}
