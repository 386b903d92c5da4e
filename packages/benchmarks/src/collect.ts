import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Benchmark } from './benchmarks.js';
import type { BenchmarkDocument, Measured, Quantity } from './document.js';
import { thisMachine } from './machine.js';

const root = join(import.meta.dirname, '../../..');
// The longest takes minutes on a slow disk.
const DEADLINE_MILLISECONDS = 30 * 60_000;

/** Runs them one after the other. `report` hears of each before it starts. */
export async function collect(
  benchmarks: readonly Benchmark[],
  report: (benchmark: Benchmark) => void,
): Promise<BenchmarkDocument> {
  const startedAt = new Date().toISOString();
  const machine = thisMachine();
  const measured: Measured[] = [];
  for (const benchmark of benchmarks) {
    report(benchmark);
    measured.push(await measure(benchmark));
  }
  const ok = measured.every(({ error }) => error === undefined);
  return { schemaVersion: 1, command: 'bench', ok, startedAt, machine, benchmarks: measured };
}

async function measure({ name, folder, command, read }: Benchmark): Promise<Measured> {
  const start = performance.now();
  const said = await run(command, join(root, folder));
  const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
  const about = { name, command: `(cd ${folder} && ${command.join(' ')})`, seconds };
  if (said.ending === '0' && said.stdout === '' && said.stderr !== '')
    return { ...about, skipped: said.stderr.trim(), quantities: [] };
  try {
    // One that has missed a goal fails too, after it has said what it measured.
    return {
      ...about,
      quantities: read(said.stdout).map((quantity) => ({ ...quantity, ...verdict(quantity) })),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const ending = `${command[0]} ended with ${said.ending}; what it wrote is not what was expected: ${reason}`;
    return { ...about, error: [ending, said.stderr.trim()].filter(Boolean).join('\n'), quantities: [] };
  }
}

export function verdict({ value, goal }: Quantity): { met?: boolean } {
  if (goal === undefined) return {};
  return { met: 'least' in goal ? value >= goal.least : value <= goal.most };
}

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly ending: string;
}

function run([program = '', ...args]: readonly string[], cwd: string): Promise<Said> {
  const child = spawn(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MILLISECONDS,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ stdout, stderr, ending: error.message }));
    child.once('close', (code, signal) => resolve({ stdout, stderr, ending: String(code ?? signal) }));
  });
}
