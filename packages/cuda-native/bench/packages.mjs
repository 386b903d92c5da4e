// Operations beside the packages that people use for them. Run after a build; fetches the packages from npm at the first time, into
// build/, which git ignores.
//   node bench/packages.mjs [--json]
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { createSession } from '../dist/index.js';
import { fastest } from './fastest.mjs';

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const rounds = 5;
const build = fileURLToPath(new URL('../build/', import.meta.url));

/** A function that imports from a folder with these packages, or undefined where they cannot be installed. */
function install(folder, packages, scripts) {
  const path = `${build}${folder}/`;
  const done = `${path}installed`;
  if (!existsSync(done)) {
    mkdirSync(path, { recursive: true });
    writeFileSync(`${path}package.json`, '{ "private": true }');
    const ignored = scripts ? [] : ['--ignore-scripts'];
    try {
      const command = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...ignored, ...packages];
      execFileSync('npm', command, { cwd: path, stdio: ['ignore', 'ignore', 'pipe'], timeout: 180_000 });
    } catch (error) {
      const reason = String(error.stderr ?? error)
        .trim()
        .split('\n')
        .at(0);
      console.error(`left out: ${packages.join(', ')}, which cannot be installed: ${reason}`);
      return undefined;
    }
    writeFileSync(done, '');
  }
  const require = createRequire(path);
  return async (name) => import(pathToFileURL(require.resolve(name)).href);
}

const plain = [
  'mathjs@15.2.0',
  'ndarray@1.0.19',
  'ndarray-ops@1.2.2',
  'ndarray-gemm@1.0.0',
  'numpy-ts@1.7.0',
  'radix-sorter@1.0.0',
];
const load = install('bench-packages', plain, false);
// Its native part is fetched by an install script.
const loadTensorFlow = install('bench-tfjs', ['@tensorflow/tfjs-node@4.22.0'], true);

const count = 4_000_000;
const side = 512;
const fewer = 200;
const random = (length) => Float64Array.from({ length }, () => Math.random() - 0.5);
const x = random(count);
const y = random(count);
const a = random(side * side);
const b = random(side * side);
const system = random(fewer * fewer).map((each, i) => (i % (fewer + 1) === 0 ? each + fewer : each));
const right = random(fewer);
const keys = Uint32Array.from({ length: 10_000_000 }, () => Math.random() * 2 ** 32);
const values = Uint32Array.from(keys.keys());
const session = await createSession({ device: 'cpu' });
const square = (data, rows) => ({ data, rows, columns: rows });

const ours = {
  'sum, 4 × 10⁶': () => session.sum(x),
  'add, 4 × 10⁶': () => session.add(x, y),
  'sort, 4 × 10⁶': () => session.sort(x),
  'sortPairs u32, 10⁷': () => session.sortPairs(keys, values),
  'matmul, 512³': () => session.matmul(square(a, side), square(b, side)),
  'transpose, 512²': () => session.transpose(square(a, side)),
  'solve, 200': () => session.solve(square(system, fewer), { data: right, rows: fewer, columns: 1 }),
  'inverse, 200': () => session.inverse(square(system, fewer)),
};
const operations = Object.keys(ours);
const median = (list) => list.toSorted((one, other) => one - other)[list.length >> 1];
// numpy-ts: its heap has room for a few arrays.
const discard = (result) => result?.dispose?.();
const table = new Map(operations.map((operation) => [operation, { ms: [], timesAsLong: {} }]));

/**
 * Beside these packages, in turns. `theirs`: for each of them a function for each operation that it has, in the order of `operations`,
 * which is given its inputs in the form that the package has for them.
 */
async function measure(theirs) {
  const ratios = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const [i, operation] of operations.entries()) {
      const { ms } = await fastest(ours[operation]);
      table.get(operation).ms.push(ms);
      for (const [name, runs] of Object.entries(theirs)) {
        if (runs[i] === undefined) continue;
        const other = await fastest(runs[i], discard);
        const key = `${operation}\n${name}`;
        ratios.set(key, [...(ratios.get(key) ?? []), other.ms / ms]);
      }
    }
  }
  for (const [key, all] of ratios) {
    const [operation, name] = key.split('\n');
    table.get(operation).timesAsLong[name] = median(all);
  }
}

const plainJavaScript = [
  () => x.reduce((sum, each) => sum + each),
  () => x.map((each, i) => each + y[i]),
  () => x.slice().sort(),
];
if (load === undefined) {
  await measure({ 'typed arrays': plainJavaScript });
} else {
  const np = await load('numpy-ts');
  const array = (data, shape) => {
    const made = np.zeros(shape, 'float64');
    made.data.set(data);
    return made;
  };
  const [npX, npY, npA, npB] = [
    array(x, [count]),
    array(y, [count]),
    array(a, [side, side]),
    array(b, [side, side]),
  ];
  const [npSystem, npRight] = [array(system, [fewer, fewer]), array(right, [fewer])];

  const { default: ndarray } = await load('ndarray');
  const { default: ops } = await load('ndarray-ops');
  const { default: gemm } = await load('ndarray-gemm');
  const [ndX, ndY, ndA, ndB] = [ndarray(x), ndarray(y), ndarray(a, [side, side]), ndarray(b, [side, side])];

  const { default: RadixSorter } = await load('radix-sorter');
  const sorter = new RadixSorter(keys.length);
  const gather = (from, indices) => {
    const to = new Uint32Array(from.length);
    for (let i = 0; i < to.length; i++) to[i] = from[indices[i]];
    return to;
  };

  await measure({
    'typed arrays': plainJavaScript,
    'numpy-ts': [
      () => np.sum(npX),
      () => np.add(npX, npY),
      () => np.sort(npX),
      undefined,
      () => np.matmul(npA, npB),
      // Otherwise it only says that it is transposed.
      () => np.ascontiguousarray(np.transpose(npA)),
      () => np.linalg.solve(npSystem, npRight),
      () => np.linalg.inv(npSystem),
    ],
    ndarray: [
      () => ops.sum(ndX),
      () => ops.add(ndarray(new Float64Array(count)), ndX, ndY),
      undefined,
      undefined,
      () => gemm(ndarray(new Float64Array(side * side), [side, side]), ndA, ndB),
      () => ops.assign(ndarray(new Float64Array(side * side), [side, side]), ndA.transpose(1, 0)),
    ],
    'radix-sorter': [
      undefined,
      undefined,
      undefined,
      // It tells where each element comes from.
      () => {
        const indices = sorter.sort(keys);
        return [gather(keys, indices), gather(values, indices)];
      },
    ],
  });

  // By itself: its lists of numbers are work for the garbage collector, which begins it whenever somebody makes a large array.
  const math = await load('mathjs');
  const rows = (data, columns) =>
    Array.from({ length: data.length / columns }, (_, i) => [
      ...data.subarray(i * columns, (i + 1) * columns),
    ]);
  const [mathX, mathY, mathA, mathB] = [
    [...x],
    [...y],
    math.matrix(rows(a, side)),
    math.matrix(rows(b, side)),
  ];
  const [mathSystem, mathRight] = [math.matrix(rows(system, fewer)), math.matrix([...right])];
  await measure({
    mathjs: [
      () => math.sum(mathX),
      () => math.add(mathX, mathY),
      undefined,
      undefined,
      () => math.multiply(mathA, mathB),
      () => math.transpose(mathA),
      () => math.lusolve(mathSystem, mathRight),
      () => math.inv(mathSystem),
    ],
  });
}

if (loadTensorFlow !== undefined) {
  const { default: tf } = await loadTensorFlow('@tensorflow/tfjs-node');
  // It has no doubles: f32 on its side.
  const tensor = (data, shape) => tf.tensor(Float32Array.from(data), shape);
  const [tfX, tfY, tfA, tfB] = [
    tensor(x, [count]),
    tensor(y, [count]),
    tensor(a, [side, side]),
    tensor(b, [side, side]),
  ];
  const run = (compute) => () => tf.tidy(() => compute().dataSync());
  await measure({
    'tfjs-node (f32)': [
      run(() => tf.sum(tfX)),
      run(() => tf.add(tfX, tfY)),
      undefined,
      undefined,
      run(() => tf.matMul(tfA, tfB)),
      run(() => tf.transpose(tfA)),
    ],
  });
}
await session.close();
const rowsOf = [...table].map(([operation, { ms, timesAsLong }]) => ({
  operation,
  // Those of the first packages.
  ms: median(ms.slice(0, rounds)),
  timesAsLong,
}));
if (options.json) {
  console.log(JSON.stringify({ rounds, table: rowsOf }, null, 2));
} else {
  console.log('f64 unless said otherwise; milliseconds here, and how many times as long the others take');
  for (const { operation, ms, timesAsLong } of rowsOf) {
    const others = Object.entries(timesAsLong).map(([name, ratio]) => `${name} ${ratio.toFixed(1)}`);
    console.log(`${operation.padEnd(18)} ${ms.toFixed(2).padStart(8)} ms   ${others.join(', ')}`);
  }
}
