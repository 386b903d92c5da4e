// Results lie in memory that holds anything before: every operation writes all of it, and no array is more than it says.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type * as Arrays from '../src/arrays.js';
import type * as ResultArrays from '../src/result-arrays.js';
import { type BothPaths, closeBothPaths, openBothPaths } from './both-paths.js';
import { difference, operations } from './operations.js';
import { shapes } from './support.js';
import { gpuDevice } from './test-gpu.js';

const before = vi.hoisted(() => ({ byte: 0 }));
vi.mock('../src/result-arrays.js', async (original) => {
  const { newResult } = await original<typeof ResultArrays>();
  const dirty: typeof newResult = (type, count) => {
    const array = newResult(type, count);
    new Uint8Array(array.buffer).fill(before.byte);
    return array;
  };
  return { newResult: dirty };
});

let paths: BothPaths;
beforeAll(async () => {
  paths = await openBothPaths();
});
afterAll(() => closeBothPaths(paths));

describe.each(['cpu', gpuDevice] as const)('on the %s', (device) => {
  it.each(operations)(
    '$name writes all of its result',
    { timeout: 120_000 },
    async ({ types, run, needsElements = false }) => {
      const session = device === 'cpu' ? paths.cpu : paths.gpu;
      const arrays = shapes.filter(({ count }) => count <= 3000 && (count > 0 || !needsElements));
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...types), arrays, async (type, shape) => {
          before.byte = 0;
          const clean = await run(session, type, shape);
          // As a float a number that no result is.
          before.byte = 0x4d;
          const dirty = await run(session, type, shape);
          expect(difference(0, clean.value, dirty.value)).toBeNull();
        }),
        { numRuns: 12 },
      );
    },
  );
});

it('matrices without inner elements are products of zeros', async () => {
  before.byte = 0x4d;
  for (const session of [paths.cpu, paths.gpu]) {
    const a = { data: new Float32Array(0), rows: 2, columns: 0 };
    const b = { data: new Float32Array(0), rows: 0, columns: 3 };
    expect([...(await session.matmul(a, b)).value.data]).toEqual([0, 0, 0, 0, 0, 0]);
  }
});

describe('large results', () => {
  it.each(['f32', 'f64', 'i32', 'u32', 'i64', 'u64'] as const)('%s', async (type) => {
    const { newResult } = await vi.importActual<typeof ResultArrays>('../src/result-arrays.js');
    const { newArray } = await vi.importActual<typeof Arrays>('../src/arrays.js');
    for (const count of [2 ** 19 - 1, 2 ** 20, 2 ** 20 + 3]) {
      const array = newResult(type, count);
      expect(array.constructor).toBe(newArray(type, 0).constructor);
      expect([array.length, array.byteOffset, array.buffer.byteLength]).toEqual([
        count,
        0,
        count * array.BYTES_PER_ELEMENT,
      ]);
      // Such arrays go to other threads.
      const { buffer } = array;
      if (buffer instanceof SharedArrayBuffer) throw new Error('a result in shared memory');
      expect(structuredClone(array, { transfer: [buffer] })).toHaveLength(count);
    }
  });

  it('that no memory is there for', async () => {
    const { newResult } = await vi.importActual<typeof ResultArrays>('../src/result-arrays.js');
    expect(() => newResult('f64', 2 ** 50)).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_COMPUTE_OUT_OF_MEMORY' }),
    );
  });
});
