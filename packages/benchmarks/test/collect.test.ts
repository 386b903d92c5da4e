import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Benchmark, benchmarks } from '../src/benchmarks.js';
import { collect, verdict } from '../src/collect.js';
import { benchmarkDocument } from '../src/document.js';
import { systemName } from '../src/machine.js';

const root = join(import.meta.dirname, '../../..');

/** A benchmark that is a real process, and measures nothing. */
function writing(script: string): Benchmark {
  return {
    name: 'example',
    folder: 'packages/benchmarks',
    command: ['node', '-e', script],
    read: (text) => [
      { what: 'nothing', value: Number(JSON.parse(text).ratio), unit: '×', goal: { least: 2 } },
    ],
  };
}

async function collectOne(script: string) {
  const document = benchmarkDocument.parse(await collect([writing(script)], () => {}));
  return { ...document, benchmark: document.benchmarks[0] };
}

it('says what was measured, on which machine', async () => {
  const { ok, machine, benchmark } = await collectOne('console.log(`{"ratio": 3}`)');
  expect(ok).toBe(true);
  expect(machine).toMatchObject({ node: process.versions.node, architecture: process.arch });
  expect(benchmark?.quantities).toEqual([
    { what: 'nothing', value: 3, unit: '×', goal: { least: 2 }, met: true },
  ]);
});

it('keeps what a benchmark measured that has missed its goal', async () => {
  const { ok, benchmark } = await collectOne('console.log(`{"ratio": 1}`); process.exitCode = 1');
  expect(ok).toBe(true);
  expect(benchmark?.quantities).toMatchObject([{ value: 1, met: false }]);
});

it.each([
  ['a crash', 'console.error("out of luck"); process.exit(2)', /ended with 2.*\nout of luck/s],
  ['a half', 'console.log(`{"ratio"`)', /not what was expected/],
])('reports %s as a failure', async (_, script, message) => {
  const { ok, benchmark } = await collectOne(script);
  expect(ok).toBe(false);
  expect(benchmark).toMatchObject({ quantities: [], error: expect.stringMatching(message) });
});

it('says why one has measured nothing', async () => {
  const { ok, benchmark } = await collectOne('console.error("nvcc is not installed")');
  expect(ok).toBe(true);
  expect(benchmark).toMatchObject({ quantities: [], skipped: 'nvcc is not installed' });
});

it('knows goals from above and from below', () => {
  const quantity = { what: '', value: 2, unit: 'ms' } as const;
  expect(verdict(quantity)).toEqual({});
  expect(verdict({ ...quantity, goal: { most: 2 } })).toEqual({ met: true });
  expect(verdict({ ...quantity, goal: { most: 1.9 } })).toEqual({ met: false });
  expect(verdict({ ...quantity, goal: { least: 2.1 } })).toEqual({ met: false });
});

it('reads the name of the system', () => {
  expect(systemName('NAME=x\nPRETTY_NAME="Debian GNU/Linux 12"\n')).toBe('Debian GNU/Linux 12');
});

it.each(benchmarks)('$name has a program to run', ({ folder, command }) => {
  const [program, script] = command;
  expect(existsSync(join(root, folder, program === 'node' ? (script ?? '') : 'bench'))).toBe(true);
});

it('refuses a name that no benchmark has', { timeout: 120_000 }, () => {
  const main = join(import.meta.dirname, '../src/main.ts');
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', main, '--only', 'nothing'], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toContain('--only nothing: one of format,');
});
