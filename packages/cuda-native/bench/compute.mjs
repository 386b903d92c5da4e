// Operations beside the best that JavaScript does, and beside what the memory gives. Run after a build.
//   node bench/compute.mjs [--json]
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { createSession } from '../dist/index.js';
import { fastest } from './fastest.mjs';

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const addon = createRequire(import.meta.url)('../build/native/lib/vgpu_compute.node');
const session = await createSession({ device: 'cpu' });
const rounds = 7;
const goal = { callOverhead: 3, sortPairs: 10 };

const topBits = 10;
const parts = 1 << topBits;
const digitBits = 11;
const digits = 1 << digitBits;
const digitMask = digits - 1;

/** Counts become where each begins. */
function toStarts(counts, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const size = counts[i];
    counts[i] = sum;
    sum += size;
  }
}

/**
 * Stable, into arrays of as many elements: allocating them would take a third of its time. Splits by the ten highest bits, then sorts each part by two digits of 11 bits while it is in the cache. For 10⁷ keys that
 * are spread evenly, sorts by four digits of 8 bits were no faster, and those by three of 11 or two of 16 were slower.
 */
function javaScriptRadixSort(keys, values, { sortedKeys, sortedValues, splitKeys, splitValues }) {
  const count = keys.length;
  const ends = new Uint32Array(parts);
  for (let i = 0; i < count; i++) ends[keys[i] >>> (2 * digitBits)]++;
  const most = ends.reduce((one, other) => Math.max(one, other), 0);
  toStarts(ends, 0, parts);
  for (let i = 0; i < count; i++) {
    const key = keys[i];
    const at = ends[key >>> (2 * digitBits)]++;
    splitKeys[at] = key;
    splitValues[at] = values[i];
  }
  const [halfKeys, halfValues] = [new Uint32Array(most), new Uint32Array(most)];
  const starts = new Uint32Array(2 * digits);
  let first = 0;
  for (let part = 0; part < parts; part++) {
    const end = ends[part];
    starts.fill(0);
    for (let i = first; i < end; i++) {
      const key = splitKeys[i];
      starts[key & digitMask]++;
      starts[digits + ((key >>> digitBits) & digitMask)]++;
    }
    toStarts(starts, 0, digits);
    toStarts(starts, digits, 2 * digits);
    for (let i = first; i < end; i++) {
      const key = splitKeys[i];
      const at = starts[key & digitMask]++;
      halfKeys[at] = key;
      halfValues[at] = splitValues[i];
    }
    for (let i = 0; i < end - first; i++) {
      const key = halfKeys[i];
      const at = first + starts[digits + ((key >>> digitBits) & digitMask)]++;
      sortedKeys[at] = key;
      sortedValues[at] = halfValues[i];
    }
    first = end;
  }
}

/** New arrays for it. */
const arraysFor = (count) =>
  Object.fromEntries(
    ['sortedKeys', 'sortedValues', 'splitKeys', 'splitValues'].map((name) => [name, new Uint32Array(count)]),
  );

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

/** Both sort alike, or their times mean nothing. */
await session.sortPairs(keys, indices, { outKeys, outValues });
const theirs = arraysFor(count);
javaScriptRadixSort(keys, indices, theirs);
const differs = (one, other) => Buffer.compare(Buffer.from(one.buffer), Buffer.from(other.buffer)) !== 0;
if (differs(theirs.sortedKeys, outKeys) || differs(theirs.sortedValues, outValues))
  throw new Error('the sorts differ');

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
  'add f64, a new result': () => session.add(doubles, other),
  'sortPairs u32': () => session.sortPairs(keys, indices, { outKeys, outValues }),
  'sortPairs u32, new results': () => session.sortPairs(keys, indices),
  'sort u32': () => session.sort(keys, { out: outKeys }),
  'radix sort of pairs in JavaScript': () => javaScriptRadixSort(keys, indices, theirs),
  'the same, new arrays': () => javaScriptRadixSort(keys, indices, arraysFor(count)),
  'Uint32Array.sort, keys alone': () => keys.slice().sort(),
  [`${calls} empty calls of the addon`]: () => repeat(() => addon.sum(stop, 0, tiny, 0)),
  [`${calls} sums of 16`]: () => repeat(() => session.sum(tiny)),
};

const times = Object.fromEntries(Object.keys(work).map((name) => [name, []]));
const processorTimes = Object.fromEntries(Object.keys(work).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(work)) {
    const { ms, processorMs } = await fastest(run);
    times[name].push(ms);
    processorTimes[name].push(processorMs);
  }
}
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const medians = (all) => Object.fromEntries(Object.entries(all).map(([name, list]) => [name, median(list)]));
const [ms, processorMs] = [medians(times), medians(processorTimes)];
/** Of each round, so that a busy moment does not fall on one side alone. */
const ratio = (slow, fast, of = times) => median(of[slow].map((time, round) => time / of[fast][round]));

const ratios = {
  'sum beside a loop': ratio('sum f64, a loop', 'sum f64'),
  'bytes per second of sum beside comparing memory': ratio('comparing memory', 'sum f64') / 2,
  'sortPairs beside a radix sort in JavaScript': ratio('radix sort of pairs in JavaScript', 'sortPairs u32'),
  'the same, all arrays new': ratio('the same, new arrays', 'sortPairs u32, new results'),
  'in processor time': ratio('radix sort of pairs in JavaScript', 'sortPairs u32', processorTimes),
  'sort beside Uint32Array.sort': ratio('Uint32Array.sort, keys alone', 'sort u32'),
  'time of a tiny call beside an empty one': ratio(
    `${calls} sums of 16`,
    `${calls} empty calls of the addon`,
  ),
};
const { instructionSet, threads } = addon;
if (options.json) {
  console.log(JSON.stringify({ instructionSet, threads, count, ms, processorMs, ratios, goal }, null, 2));
} else {
  console.log(
    `${threads} threads, ${instructionSet}; ${count} keys, ${doubles.length} doubles; medians of ${rounds}`,
  );
  for (const [name, time] of Object.entries(ms)) {
    const processor = processorMs[name].toFixed(1).padStart(8);
    console.log(`${time.toFixed(1).padStart(8)} ms ${processor} ms of processors  ${name}`);
  }
  for (const [name, value] of Object.entries(ratios))
    console.log(`${value.toFixed(2).padStart(8)} ×   ${name}`);
}
await session.close();
if (ratios['time of a tiny call beside an empty one'] > goal.callOverhead) {
  console.error(`a tiny call takes more than ${goal.callOverhead} times an empty one`);
  process.exitCode = 1;
}
if (ratios['sortPairs beside a radix sort in JavaScript'] < goal.sortPairs) {
  console.error(`sortPairs is not ${goal.sortPairs} times as fast as a radix sort in JavaScript`);
  process.exitCode = 1;
}
