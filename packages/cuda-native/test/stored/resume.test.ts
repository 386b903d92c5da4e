// Operations that are interrupted at every call, or killed, and taken up again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PersistentArray } from '@vgpu/array';
import { describe, expect, test } from 'vitest';
import { createSession, type NumericArray } from '../../src/index.js';
import * as onDisk from '../../src/stored/index.js';
import { arrayOf, random, rejection } from '../support.js';
import { closing, empty, holds, stored, watched } from './arrays.js';

const memory = await createSession({ device: 'cpu' });
const small = await createSession({ device: 'cpu', memoryLimit: 100_000 });
const count = 12_000;
const keys = arrayOf('f32', { count, seed: 5, offset: 0, shared: false, spread: 'few', special: true });
const values = Uint32Array.from({ length: count }, (_, i) => i);
const sorted = (await memory.sortPairs(keys, values)).value;

/** Again, as after a crash. */
async function reopened(array: PersistentArray): Promise<PersistentArray> {
  await array.close();
  return closing(await PersistentArray.open(array.path, { update: 'in-place', allowUncommitted: true }));
}

/** Runs `operation` until call number `at` of an output fails; then until the end. Says what both took. */
async function interrupted(
  outputs: PersistentArray[],
  at: number,
  operation: (outputs: onDisk.StoredOutput[]) => Promise<{ calls: { cpu: number } }>,
): Promise<{ failed: boolean; calls: number; outputs: PersistentArray[] }> {
  let made = 0;
  const tell = () => {
    made += 1;
    if (made === at) throw new Error('power cut');
  };
  const first = await operation(outputs.map((array) => watched(array, tell))).then(
    () => false,
    (error: Error) => error.message === 'power cut',
  );
  const again: PersistentArray[] = [];
  for (const array of outputs) again.push(await reopened(array));
  if (!first) return { failed: false, calls: 0, outputs: again };
  const { calls } = await operation(again);
  return { failed: true, calls: calls.cpu, outputs: again };
}

function leftovers(array: PersistentArray): string[] {
  return readdirSync(dirname(array.path)).filter((name) => name !== 'array.pycauset');
}

describe('sortPairs', () => {
  test('goes on wherever it was interrupted', async () => {
    const [k, v] = [await stored(keys), await stored(values)];
    const run = ([outKeys, outValues]: onDisk.StoredOutput[]) => {
      if (outKeys === undefined || outValues === undefined) throw new Error('there are two');
      return onDisk.sortPairs(
        small,
        k,
        v,
        { keys: outKeys, values: outValues },
        { resume: true, checkpointBytes: 1 },
      );
    };
    const all: number[] = [];
    for (let at = 1; ; at++) {
      const outKeys = await empty('f32', count, { update: 'in-place' });
      const outValues = await empty('u32', count, { update: 'in-place' });
      const { failed, calls, outputs } = await interrupted([outKeys, outValues], at, run);
      const [sortedKeys, sortedValues] = outputs;
      if (sortedKeys === undefined || sortedValues === undefined) throw new Error('there are two');
      expect(holds(sortedKeys, sorted.keys)).toBe(true);
      expect(holds(sortedValues, sorted.values)).toBe(true);
      expect([sortedKeys.committed, sortedValues.committed, leftovers(sortedKeys)]).toEqual([true, true, []]);
      if (!failed) break;
      all.push(calls);
    }
    expect(all.length).toBeGreaterThan(20);
    // Whoever was interrupted late has little left to do; at the end nothing but to commit.
    expect(all[0]).toBeGreaterThan(10);
    expect(Math.min(...all)).toBe(0);
  });

  test('begins anew with other arrays, another limit, or after damage', async () => {
    const [k, v] = [await stored(keys), await stored(values)];
    for (const change of ['keys', 'limit', 'journal', 'runs', 'nothing'] as const) {
      const outKeys = await empty('f32', count, { update: 'in-place' });
      const outValues = await empty('u32', count, { update: 'in-place' });
      let windows = 0;
      const tell = (call: string) => {
        if (call === 'elements') windows += 1;
        if (windows === 4) throw new Error('power cut');
      };
      const options = { resume: true, checkpointBytes: 1 };
      const out = { keys: watched(outKeys, tell), values: watched(outValues, tell) };
      await expect(onDisk.sortPairs(small, k, v, out, options)).rejects.toThrow('power cut');
      const journal = `${outKeys.path}.progress`;
      const lines = readFileSync(journal, 'utf8').trim().split('\n');
      expect(lines.length).toBeGreaterThan(3);
      if (change === 'journal') writeFileSync(journal, `${lines[0]?.replace('sortPairs', 'sort')}\n[5]`);
      if (change === 'runs') writeFileSync(`${outKeys.path}.runs`, '');
      const other = await stored((await memory.scale(keys as Float32Array, -1)).value);
      const input = change === 'keys' ? other : k;
      const session =
        change === 'limit' ? await createSession({ device: 'cpu', memoryLimit: 120_000 }) : small;
      const again = { keys: await reopened(outKeys), values: await reopened(outValues) };
      if (change === 'runs') {
        // What is there is not what the journal says: that is an error, and never a wrong result.
        expect((await rejection(onDisk.sortPairs(session, input, v, again, options))).code).toBe(
          'ERR_VGPU_COMPUTE_SCRATCH',
        );
        continue;
      }
      const { calls } = await onDisk.sortPairs(session, input, v, again, options);
      const expected =
        change === 'keys' ? await memory.sort(other.elements(0, count) as Float32Array) : sorted;
      expect(holds(again.keys, 'keys' in expected ? expected.keys : expected.value)).toBe(true);
      const fresh = { keys: await empty('f32', count), values: await empty('u32', count) };
      const whole = (await onDisk.sortPairs(session, input, v, fresh)).calls.cpu;
      if (change === 'nothing') expect(calls.cpu).toBeLessThan(whole);
      else expect(calls.cpu).toBe(whole);
    }
  });

  test('without resume, leftovers of an interrupted one go', async () => {
    const out = await empty('f32', count, { update: 'in-place' });
    for (const name of ['.progress', '.runs']) writeFileSync(out.path + name, 'old');
    await onDisk.sort(small, await stored(keys), out);
    expect(leftovers(out)).toEqual([]);
    const atomic = await empty('f32', count);
    const wrong = onDisk.sort(small, await stored(keys), atomic, { resume: true });
    expect((await rejection(wrong)).code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
  });
});

test('matmul goes on wherever it was interrupted', async () => {
  const size = 60;
  const data = Float64Array.from({ length: size * size }, (_, i) => ((i * 7919) % 13) - 6);
  const a = await stored(data, { columns: size });
  const square = { data, rows: size, columns: size };
  const expected = (await memory.matmul(square, square)).value.data;
  const tight = await createSession({ device: 'cpu', memoryLimit: 20_000 });
  const all: number[] = [];
  for (let at = 1; ; at++) {
    const out = await empty('f64', size * size, { columns: size, update: 'in-place' });
    const { failed, calls, outputs } = await interrupted([out], at, async ([target]) => {
      if (target === undefined) throw new Error('there is one');
      return onDisk.matmul(tight, a, a, target, { resume: true });
    });
    const [product] = outputs;
    if (product === undefined) throw new Error('there is one');
    expect([holds(product, expected), product.committed, leftovers(product)]).toEqual([true, true, []]);
    if (!failed) break;
    all.push(calls);
  }
  expect(all.length).toBeGreaterThan(10);
  expect(Math.min(...all)).toBe(0);
  expect(all[0]).toBe(Math.max(...all));
});

/** 0 where there is no such file, or not any more. */
function linesIn(path: string): number {
  try {
    return readFileSync(path, 'utf8').split('\n').length;
  } catch {
    return 0;
  }
}

describe('killed', () => {
  interface Killed {
    readonly inputs: PersistentArray[];
    readonly outputs: PersistentArray[];
    readonly expected: readonly NumericArray[];
  }
  const operations = {
    async sortPairs(): Promise<Killed> {
      const inputs = [await stored(keys), await stored(values)];
      const outputs = [await empty('f32', count), await empty('u32', count)];
      return { inputs, outputs, expected: [sorted.keys, sorted.values] };
    },
    async matmul(): Promise<Killed> {
      const size = 110;
      const data = Float64Array.from({ length: size * size }, (_, i) => ((i * 7919) % 13) - 6);
      const square = { data, rows: size, columns: size };
      const inputs = [await stored(data, { columns: size }), await stored(data, { columns: size })];
      const outputs = [await empty('f64', size * size, { columns: size })];
      return { inputs, outputs, expected: [(await memory.matmul(square, square)).value.data] };
    },
    async nearestNeighbours(): Promise<Killed> {
      const [rows, columns, k] = [300, 16, 3];
      const points = Float32Array.from({ length: rows * columns }, (_, i) => (i * 7919) % 1013);
      const queries = Float32Array.from(points, (_, i) => (i * 6007) % 997);
      const { value } = await memory.nearestNeighbours(
        { data: queries, rows, columns },
        { data: points, rows, columns },
        k,
      );
      const inputs = [await stored(queries, { columns }), await stored(points, { columns })];
      const near = { columns: k };
      const outputs = [await empty('f32', rows * k, near), await empty('u32', rows * k, near)];
      return { inputs, outputs, expected: [value.distances.data, value.indices.data] };
    },
  };

  test.each(['sortPairs', 'matmul', 'nearestNeighbours'] as const)('%s goes on', async (operation) => {
    const { inputs, outputs, expected } = await operations[operation]();
    const paths = [...inputs, ...outputs].map(({ path }) => path);
    for (const array of [...inputs, ...outputs]) await array.close();
    const journal = `${outputs[0]?.path}.progress`;
    const next = random(operation.length);

    // The first is killed once something was recorded, the others at any time.
    const first = start(operation, paths);
    // On a busy machine it may have ended before this looks again: then nothing is left to do, which must be right, too.
    while (first.exitCode === null && linesIn(journal) < 4) await sleep(1);
    await kill(first);
    for (let kills = 0; kills < 3; kills++) {
      const child = start(operation, paths);
      await sleep(next() % 400);
      await kill(child);
    }
    const last = start(operation, paths);
    const [code] = await once(last, 'close');
    expect(code).toBe(0);
    for (const [i, array] of outputs.entries()) {
      const found = closing(await PersistentArray.open(array.path));
      expect(holds(found, expected[i] ?? keys)).toBe(true);
      expect((await found.verify()).error).toBeUndefined();
      expect(leftovers(found)).toEqual([]);
    }
  });

  function start(operation: string, paths: readonly string[]): ChildProcess {
    const child = join(import.meta.dirname, 'resume-child.mjs');
    return spawn(process.execPath, [child, operation, ...paths], { stdio: 'inherit' });
  }

  async function kill(child: ChildProcess): Promise<void> {
    const closed = once(child, 'close');
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await closed;
  }
});
