// Operations beside the best that JavaScript does, and beside what the memory gives. Run after a build.
//   node bench/compute.mjs [--json]
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { createSession } from '../dist/index.js';

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const addon = createRequire(import.meta.url)('../build/native/lib/vgpu_compute.node');
const session = await createSession({ device: 'cpu' });
const rounds = 7;
const goal = { callOverhead: 3 };

/** Stable, by four digits of 8 bits; pairs whose digits are all the same are left out, as usual. */
function javaScriptRadixSort(keys, values) {
  const count = keys.length;
  let [fromKeys, fromValues, toKeys, toValues] = [
    keys.slice(),
    values.slice(),
    new Uint32Array(count),
    new Uint32Array(count),
  ];
  const starts = new Uint32Array(4 * 256);
  for (let i = 0; i < count; i++) {
    const key = fromKeys[i];
    starts[key & 255]++;
    starts[256 + ((key >>> 8) & 255)]++;
    starts[512 + ((key >>> 16) & 255)]++;
    starts[768 + (key >>> 24)]++;
  }
  for (let pass = 0; pass < 4; pass++) {
    const start = starts.subarray(pass * 256, pass * 256 + 256);
    let sum = 0;
    for (let digit = 0; digit < 256; digit++) {
      const size = start[digit];
      start[digit] = sum;
      sum += size;
    }
    const shift = 8 * pass;
    for (let i = 0; i < count; i++) {
      const key = fromKeys[i];
      const at = start[(key >>> shift) & 255]++;
      toKeys[at] = key;
      toValues[at] = fromValues[i];
    }
    [fromKeys, toKeys] = [toKeys, fromKeys];
    [fromValues, toValues] = [toValues, fromValues];
  }
  return { keys: fromKeys, values: fromValues };
}

function loopSum(x) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  return sum;
}

const count = 10_000_000;
const keys = Uint32Array.from({ length: count }, () => Math.random() * 2 ** 32);
const indices = Uint32Array.from(keys.keys());
const doubles = new Float64Array(2 * count).fill(1.5);
const bytes = Buffer.from(doubles.buffer);
const copy = Buffer.from(bytes);
const other = doubles.slice();
const out = doubles.slice();
const [outKeys, outValues] = [keys.slice(), indices.slice()];
const tiny = new Float32Array(16);
const stop = new Int32Array(1);
const calls = 2000;

async function repeat(call) {
  for (let i = 0; i < calls; i++) await call();
}

/** What is measured; alternating, so that whatever else the machine does hits all alike. */
const work = {
  'sum f64': () => session.sum(doubles),
  'sum f64, a loop': () => loopSum(doubles),
  // Reads two arrays, on one thread.
  'comparing memory': () => bytes.equals(copy),
  'add f64': () => session.add(doubles, other, { out }),
  'sortPairs u32': () => session.sortPairs(keys, indices, { outKeys, outValues }),
  'sort u32': () => session.sort(keys, { out: outKeys }),
  'radix sort of pairs in JavaScript': () => javaScriptRadixSort(keys, indices),
  'Uint32Array.sort, keys alone': () => keys.slice().sort(),
  [`${calls} empty calls of the addon`]: () => repeat(() => addon.sum(stop, 0, tiny, 0)),
  [`${calls} sums of 16`]: () => repeat(() => session.sum(tiny)),
};

const times = Object.fromEntries(Object.keys(work).map((name) => [name, []]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, run] of Object.entries(work)) {
    const began = performance.now();
    await run();
    // The first round warms up.
    if (round > 0) times[name].push(performance.now() - began);
  }
}
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const ms = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
/** Of each round, so that a busy moment does not fall on one side alone. */
const ratio = (slow, fast) => median(times[slow].map((time, round) => time / times[fast][round]));

const ratios = {
  'sum beside a loop': ratio('sum f64, a loop', 'sum f64'),
  'bytes per second of sum beside comparing memory': ratio('comparing memory', 'sum f64') / 2,
  'sortPairs beside a radix sort in JavaScript': ratio('radix sort of pairs in JavaScript', 'sortPairs u32'),
  'sort beside Uint32Array.sort': ratio('Uint32Array.sort, keys alone', 'sort u32'),
  'time of a tiny call beside an empty one': ratio(
    `${calls} sums of 16`,
    `${calls} empty calls of the addon`,
  ),
};
const { instructionSet, threads } = addon;
if (options.json) {
  console.log(JSON.stringify({ instructionSet, threads, count, ms, ratios, goal }, null, 2));
} else {
  console.log(
    `${threads} threads, ${instructionSet}; ${count} keys, ${doubles.length} doubles; medians of ${rounds}`,
  );
  for (const [name, time] of Object.entries(ms)) console.log(`${time.toFixed(1).padStart(8)} ms  ${name}`);
  for (const [name, value] of Object.entries(ratios))
    console.log(`${value.toFixed(2).padStart(8)} ×   ${name}`);
}
await session.close();
if (ratios['time of a tiny call beside an empty one'] > goal.callOverhead) {
  console.error(`a tiny call takes more than ${goal.callOverhead} times an empty one`);
  process.exitCode = 1;
}
