// The memory checker on programs that nvcc compiled: planted mistakes are found at their lines, and nothing is found
// in programs without mistakes.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Executor } from '@vgpu/executor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builder, PLANTED, programs, SOURCES } from './build-programs.js';
import { guestEnvironment } from './guest-environment.js';

const PROGRAM_TIMEOUT_MS = 60_000;
// A test may find others' builds before its own in the queue.
const TEST_TIMEOUT_MS = 180_000;
const END_TIMEOUT_MS = 5_000;

const builder = new Builder();
const missing = builder.nvcc ? undefined : 'nvcc is not installed';
const folder = mkdtempSync(join(tmpdir(), 'vgpu-checker-'));
const reportPath = join(folder, 'events');
let executor: Executor;

beforeAll(async () => {
  if (missing) process.stderr.write(`the memory checker's programs are skipped: ${missing}\n`);
  executor = await Executor.start({
    gpu: 'software',
    check: { checks: ['memory', 'race', 'init', 'sync'], reportPath },
  });
});
afterAll(async () => {
  await executor?.stop();
  rmSync(folder, { recursive: true });
});

interface Event {
  event: 'begin' | 'finding' | 'end';
  counts?: number[];
  finding?: {
    check: string;
    kind: string;
    severity: string;
    message: string;
    place?: { kernel: string; file?: string; line?: number; callerFile?: string; callerLine?: number };
  };
}

let seen = 0;

/** What the program's processes have told since the last call; waits until all of them have ended. */
async function newEvents(): Promise<Event[]> {
  const read = (): Event[] =>
    readFileSync(reportPath, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event)
      .slice(seen);
  const count = (events: Event[], name: string) => events.filter(({ event }) => event === name).length;
  await expect.poll(() => count(read(), 'begin') - count(read(), 'end'), { timeout: END_TIMEOUT_MS }).toBe(0);
  const events = read();
  seen += events.length;
  return events;
}

async function run(file: string, ...args: string[]) {
  const path = await builder.build(file);
  const env = guestEnvironment(executor.url);
  const result = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    execFile(path, args, { timeout: PROGRAM_TIMEOUT_MS, env }, (error, stdout) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout }),
    );
  });
  const findings = (await newEvents()).flatMap(({ finding }) => (finding ? [finding] : []));
  return { ...result, findings };
}

/** "LINE check/kind", of where the program's own code is; of mistakes of the host without the line. */
function spelled({ check, kind, place }: NonNullable<Event['finding']>, source: string): string {
  if (!place) return `${check}/${kind}`;
  const own = [
    { file: place.file, line: place.line },
    { file: place.callerFile, line: place.callerLine },
  ].find(({ file }) => file !== undefined && basename(file) === source);
  return `${own?.line ?? `no line of ${source}:`} ${check}/${kind}`;
}

/** The modes of a program and what its comments say that is found in each. */
function expectations(source: string): Map<string, string[]> {
  const modes = new Map<string, string[]>();
  for (const [index, line] of readFileSync(join(SOURCES, PLANTED, source), 'utf8')
    .split('\n')
    .entries()) {
    const [, mode, kinds] = /\/\/ FINDS ([\w-]+): (.+)$/.exec(line) ?? [];
    if (mode === undefined || kinds === undefined) continue;
    const found = kinds.split(', ').map((kind) => `${index + 1} ${kind}`);
    modes.set(mode, [...(modes.get(mode) ?? []), ...found]);
  }
  return modes;
}

const SOURCES_WITH_LINES = readdirSync(join(SOURCES, PLANTED)).filter(
  (file) => file.endsWith('.cu') && file !== 'host.cu',
);

describe.skipIf(missing)('planted mistakes are found at their lines', { timeout: TEST_TIMEOUT_MS }, () => {
  const modes = SOURCES_WITH_LINES.flatMap((source) =>
    [...expectations(source)].map(([mode, expected]) => ({ source, mode, expected })),
  );

  it('there are many', () => {
    expect(modes.length).toBeGreaterThanOrEqual(25);
  });

  it.each(modes)('$source $mode', async ({ source, mode, expected }) => {
    const { code, stdout, findings } = await run(`${PLANTED}${source}`, mode);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `ok ${mode}\n` });
    const own = findings
      .filter(({ severity, check }) => severity === 'error' && (check !== 'init' || source === 'init.cu'))
      .map((finding) => spelled(finding, source));
    // One line may be several instructions, each a place of its own.
    expect([...new Set(own)].sort()).toEqual(expected.sort());
  });

  it.each([
    ['twice', ['memory/double-free']],
    ['inside', ['memory/invalid-free', 'memory/leak']],
    ['leak', ['memory/leak']],
  ])('host.cu %s', async (mode, expected) => {
    const { code, findings } = await run(`${PLANTED}host.cu`, mode);
    expect(code).toBe(0);
    expect(findings.map((finding) => spelled(finding, 'host.cu'))).toEqual(expected);
  });
});

/** They make many mistakes on purpose, which their own tests look at. */
const MISTAKEN = ['bad_handles', 'bad_kernels', 'bad_launches', 'bad_pointers'];
/** What others do wrong on purpose, to see the status that they get. */
const ON_PURPOSE: Record<string, string[]> = {
  graph_memory: ['memory/invalid-free'],
  host_functions: ['memory/out-of-bounds'],
  managed_memory: ['memory/double-free'],
  managed_variables: ['memory/invalid-free'],
  memory_pools: ['memory/double-free', 'memory/double-free'],
};

describe.skipIf(missing)(
  'nothing is found in programs without mistakes',
  { timeout: TEST_TIMEOUT_MS },
  () => {
    it.each(programs('.cu').filter((name) => !MISTAKEN.includes(name)))('%s', async (name) => {
      const { code, stdout, findings } = await run(`${name}.cu`);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^ok .*\n$/) });
      const errors = findings.filter(({ severity }) => severity === 'error');
      const expected = ON_PURPOSE[name] ?? [];
      expect(errors.map(({ check, kind }) => `${check}/${kind}`)).toEqual(expected);
    });
  },
);
