// How much memory an operation takes on arrays of many times its limit: memory-child OPERATION FOLDER LIMIT. In bytes, on stdout.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PersistentArray } from '@vgpu/array';
import { createSession } from '@vgpu/cuda-native';
import * as onDisk from '@vgpu/cuda-native/stored';

const [operation, folder, limit] = process.argv.slice(2);
const count = 2 ** 24;
const side = 1600;

function status(field) {
  const [, kilobytes] =
    new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

async function made(name, shape, value) {
  const array = await PersistentArray.create(join(folder, name), shape);
  if (value === undefined) return array;
  await array.begin({ copy: false });
  for (let first = 0; first < shape.rows * shape.columns; first += 2 ** 20) {
    const length = Math.min(2 ** 20, shape.rows * shape.columns - first);
    const elements = array.elements(first, length);
    for (let i = 0; i < length; i++) elements[i] = value(first + i);
    await array.discard(first, length);
  }
  await array.commit();
  return array;
}

const session = await createSession({ device: 'cpu', memoryLimit: Number(limit) });
const vector = { structure: 'vector', dtype: 'u32', rows: count, columns: 1 };
const square = { structure: 'dense', dtype: 'f64', rows: side, columns: side };
const pointsOf = (rows) => ({ structure: 'dense', rows, columns: 16 });
const operations = {
  async sortPairs() {
    const keys = await made('keys', vector, (i) => Math.imul(i, 2654435761));
    const values = await made('values', vector, (i) => i);
    const out = { keys: await made('outKeys', vector), values: await made('outValues', vector) };
    return () => onDisk.sortPairs(session, keys, values, out);
  },
  async matmul() {
    const a = await made('a', square, (i) => i % 7);
    const b = await made('b', square, (i) => i % 5);
    const out = await made('out', square);
    return () => onDisk.matmul(session, a, b, out);
  },
  async nearestNeighbours() {
    const points = await made('points', { ...pointsOf(2 ** 20), dtype: 'f32' }, (i) => Math.sin(i));
    const queries = await made('queries', { ...pointsOf(50), dtype: 'f32' }, (i) => Math.cos(i));
    const near = { structure: 'dense', rows: 50, columns: 10 };
    const out = {
      distances: await made('distances', { ...near, dtype: 'f32' }),
      indices: await made('indices', { ...near, dtype: 'u32' }),
    };
    return () => onDisk.nearestNeighbours(session, queries, points, 10, out);
  },
  async sum() {
    const x = await made('x', vector, (i) => i);
    return () => onDisk.sum(session, x);
  },
};

const run = await operations[operation]();
// What the library takes once and for all does not count.
await session.sort(new Uint32Array(100_000));
const warm = { data: new Float64Array(256 * 256), rows: 256, columns: 256 };
await session.matmul(warm, warm);
const before = status('VmRSS');
writeFileSync('/proc/self/clear_refs', '5');
const { memoryBytes } = await run();
console.log(JSON.stringify({ memoryBytes, grown: status('VmHWM') - before }));
