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
const session = await createSession({ device: 'cpu' });
const square = (data, rows) => ({ data, rows, columns: rows });

/** By operation, then by package. Each is given its inputs in the form that the package has for them. */
const work = {
  'sum, 4 × 10⁶': { vgpu: () => session.sum(x), 'typed arrays': () => x.reduce((sum, each) => sum + each) },
  'add, 4 × 10⁶': { vgpu: () => session.add(x, y), 'typed arrays': () => x.map((each, i) => each + y[i]) },
  'sort, 4 × 10⁶': { vgpu: () => session.sort(x), 'typed arrays': () => x.slice().sort() },
  'matmul, 512³': { vgpu: () => session.matmul(square(a, side), square(b, side)) },
  'transpose, 512²': { vgpu: () => session.transpose(square(a, side)) },
  'solve, 200': {
    vgpu: () => session.solve(square(system, fewer), { data: right, rows: fewer, columns: 1 }),
  },
  'inverse, 200': { vgpu: () => session.inverse(square(system, fewer)) },
};
const [sum, add, sort, matmul, transpose, solve, inverse] = Object.values(work);

if (load !== undefined) {
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
  sum['numpy-ts'] = () => np.sum(npX);
  add['numpy-ts'] = () => np.add(npX, npY);
  sort['numpy-ts'] = () => np.sort(npX);
  matmul['numpy-ts'] = () => np.matmul(npA, npB);
  // Otherwise it only says that it is transposed.
  transpose['numpy-ts'] = () => np.ascontiguousarray(np.transpose(npA));
  solve['numpy-ts'] = () => np.linalg.solve(npSystem, npRight);
  inverse['numpy-ts'] = () => np.linalg.inv(npSystem);

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
  sum.mathjs = () => math.sum(mathX);
  add.mathjs = () => math.add(mathX, mathY);
  matmul.mathjs = () => math.multiply(mathA, mathB);
  transpose.mathjs = () => math.transpose(mathA);
  solve.mathjs = () => math.lusolve(mathSystem, mathRight);
  inverse.mathjs = () => math.inv(mathSystem);

  const { default: ndarray } = await load('ndarray');
  const { default: ops } = await load('ndarray-ops');
  const { default: gemm } = await load('ndarray-gemm');
  const [ndX, ndY, ndA, ndB] = [ndarray(x), ndarray(y), ndarray(a, [side, side]), ndarray(b, [side, side])];
  sum.ndarray = () => ops.sum(ndX);
  add.ndarray = () => ops.add(ndarray(new Float64Array(count)), ndX, ndY);
  matmul.ndarray = () => gemm(ndarray(new Float64Array(side * side), [side, side]), ndA, ndB);
  transpose.ndarray = () =>
    ops.assign(ndarray(new Float64Array(side * side), [side, side]), ndA.transpose(1, 0));
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
  sum['tfjs-node (f32)'] = run(() => tf.sum(tfX));
  add['tfjs-node (f32)'] = run(() => tf.add(tfX, tfY));
  matmul['tfjs-node (f32)'] = run(() => tf.matMul(tfA, tfB));
  transpose['tfjs-node (f32)'] = run(() => tf.transpose(tfA));
}

// numpy-ts: its heap has room for a few arrays.
const discard = (result) => result?.dispose?.();

const times = new Map();
for (let round = 0; round < rounds; round++) {
  for (const [operation, packages] of Object.entries(work)) {
    for (const [name, run] of Object.entries(packages)) {
      const key = `${operation}\n${name}`;
      const { ms } = await fastest(run, discard);
      times.set(key, [...(times.get(key) ?? []), ms]);
    }
  }
}
await session.close();
const median = (list) => list.toSorted((one, other) => one - other)[list.length >> 1];
const table = Object.entries(work).map(([operation, packages]) => {
  const ours = times.get(`${operation}\nvgpu`);
  const others = Object.keys(packages)
    .filter((name) => name !== 'vgpu')
    .map((name) => {
      const all = times.get(`${operation}\n${name}`);
      return [name, median(all.map((time, round) => time / ours[round]))];
    });
  return { operation, ms: median(ours), timesAsLong: Object.fromEntries(others) };
});
if (options.json) {
  console.log(JSON.stringify({ rounds, table }, null, 2));
} else {
  console.log('f64; milliseconds here, and how many times as long the others take');
  for (const { operation, ms, timesAsLong } of table) {
    const others = Object.entries(timesAsLong).map(([name, ratio]) => `${name} ${ratio.toFixed(1)}`);
    console.log(`${operation.padEnd(18)} ${ms.toFixed(2).padStart(8)} ms   ${others.join(', ')}`);
  }
}
