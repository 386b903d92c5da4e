// What arrays cost: opening, updating, streaming, and 1 GiB of I/O against the same in C. Run after a build.
//   node bench/storage.mjs [--json] [--directory DIR] [--mebibytes 1024] [--rounds 7]
import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MappedFile } from '@vgpu/mmap-native';
import { PersistentArray } from '../dist/index.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    directory: { type: 'string', default: join(import.meta.dirname, '../build') },
    mebibytes: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '7' },
  },
});
const MiB = 1024 * 1024;
const bytes = Number(options.mebibytes) * MiB;
const rounds = Number(options.rounds);
const blockBytes = 16 * MiB;
const goals = { openMilliseconds: 1, overheadPercent: 5 };

mkdirSync(options.directory, { recursive: true });
const directory = mkdtempSync(join(options.directory, 'bench-'));
const baseline = join(directory, 'baseline');
const pattern = Float64Array.from({ length: blockBytes / 8 }, (_, index) => index);
const shape = { structure: 'dense', dtype: 'f64', rows: bytes / 8192, columns: 1024 };

try {
  const compiler = process.env.CC ?? 'cc';
  execFileSync(compiler, [
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    baseline,
    join(import.meta.dirname, 'baseline.c'),
  ]);
  const result = {
    bytes,
    rounds,
    open: await measureOpen(),
    update: await measureUpdate(),
    ...(await measureIo()),
  };
  result.met = {
    open: result.open.medianMilliseconds < goals.openMilliseconds,
    write: result.write.overheadPercent < goals.overheadPercent,
    read: result.read.overheadPercent < goals.overheadPercent,
  };
  if (options.json) console.log(JSON.stringify(result, undefined, 2));
  else print(result);
  if (Object.values(result.met).includes(false)) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true });
}

/** 10 GiB, of which nothing is on disk: opening must not depend on the size. */
async function measureOpen() {
  const path = join(directory, 'sparse');
  const size = Math.ceil(Math.sqrt((10 * 1024 * MiB) / 8));
  const sparse = { structure: 'dense', dtype: 'f64', rows: size, columns: size };
  await (await PersistentArray.create(path, sparse, { reserve: false })).close();
  const times = [];
  for (let round = 0; round < 300; round++) {
    const start = performance.now();
    const array = await PersistentArray.open(path);
    times.push(performance.now() - start);
    await array.close();
  }
  rmSync(path);
  return { gibibytes: 10, medianMilliseconds: median(times), worstMilliseconds: Math.max(...times) };
}

/** One element of 8 MiB, beside a bare write and flush of a page on the same disk. */
async function measureUpdate() {
  const file = openSync(join(directory, 'page'), 'w');
  const page = new Uint8Array(4096).fill(1);
  const times = { flush: [], atomic: [], 'in-place': [] };
  const arrays = {};
  for (const update of ['atomic', 'in-place']) {
    const array = { structure: 'dense', dtype: 'f64', rows: 1024, columns: 1024 };
    arrays[update] = await PersistentArray.create(join(directory, update), array, { update });
  }
  for (let round = 0; round < 20; round++) {
    times.flush.push(
      await seconds(() => {
        writeSync(file, page, 0, page.length, 0);
        fdatasyncSync(file);
      }),
    );
    for (const update of ['atomic', 'in-place']) {
      times[update].push(
        await seconds(async () => {
          await arrays[update].begin();
          arrays[update].set(round, round, round);
          await arrays[update].commit();
        }),
      );
    }
  }
  closeSync(file);
  for (const array of Object.values(arrays)) await array.close();
  return {
    payloadMebibytes: 8,
    flushMilliseconds: median(times.flush) * 1e3,
    atomicMilliseconds: median(times.atomic) * 1e3,
    inPlaceMilliseconds: median(times['in-place']) * 1e3,
  };
}

/**
 * Alternating, so that whatever else the machine does hits all alike; and one file at a time, so that each finds as much
 * free memory as the others.
 */
async function measureIo() {
  const ways = [
    { name: 'pwrite', write: (path) => inC('write-pwrite', path), read: (path) => inC('read-read', path) },
    { name: 'mmap', write: (path) => inC('write-mmap', path), read: (path) => inC('read-mmap', path) },
    {
      name: 'package',
      write: (path) => seconds(() => writeArray(path)),
      read: (path) => seconds(() => readArray(path)),
    },
  ];
  const times = { write: { pwrite: [], mmap: [], package: [] }, read: { pwrite: [], mmap: [], package: [] } };
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const { name, write, read } = ways[(round + turn) % ways.length];
      const path = join(directory, name);
      const written = await write(path);
      await forget(path);
      const wasRead = await read(path);
      rmSync(path);
      if (round === 0) continue;
      times.write[name].push(written);
      times.read[name].push(wasRead);
    }
  }
  return { write: summary(times.write), read: summary(times.read) };
}

function inC(how, path) {
  return Number.parseFloat(execFileSync(baseline, [how, path, String(bytes)], { encoding: 'utf8' }));
}

/** Header, metadata, checksum, three flushes and the rename included. */
async function writeArray(path) {
  const array = await PersistentArray.create(path, shape, { update: 'in-place' });
  await array.begin();
  for await (const { values } of array.blocks({ blockBytes, prefetch: false, discard: false })) {
    values.set(values.length === pattern.length ? pattern : pattern.subarray(0, values.length));
  }
  await array.commit();
  await array.close();
}

async function readArray(path) {
  const array = await PersistentArray.open(path);
  let sum = 0;
  for await (const { values } of array.blocks({ blockBytes, discard: false })) {
    for (let index = 0; index < values.length; index += 512) sum += values[index];
  }
  await array.close();
  if (!(sum > 0)) throw new Error('nothing was read');
}

/** Out of the page cache, so that reading reads. */
async function forget(path) {
  const file = MappedFile.open(path, { access: 'read-write' });
  file.flush();
  file.discard();
  const resident = file.residentBytes();
  file.close();
  if (resident > bytes / 100) throw new Error(`${resident} bytes of ${path} are still in memory`);
}

/** Ratios within a round, so that a disk that changes its speed between rounds does not count. */
function summary(times) {
  const ratio = (reference) => median(times.package.map((time, round) => time / times[reference][round]));
  const mmapRatio = ratio('mmap');
  return {
    packageSeconds: median(times.package),
    mmapSeconds: median(times.mmap),
    copyingSeconds: median(times.pwrite),
    mmapRatio,
    copyingRatio: ratio('pwrite'),
    mebibytesPerSecond: bytes / MiB / median(times.package),
    // The same kind of I/O: both go through a mapping.
    overheadPercent: (mmapRatio - 1) * 100,
  };
}

async function seconds(action) {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1e3;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function print({ open, update, write, read, met }) {
  const ms = (value) => `${value.toFixed(2)} ms`;
  const s = (value) => `${value.toFixed(3)} s`;
  const goal = (reached, text) => `${reached ? '' : '  NOT MET'}  (goal: ${text})`;
  console.log(`open 10 GiB            ${ms(open.medianMilliseconds)}${goal(met.open, 'below 1 ms')}`);
  console.log(`flush of one page      ${ms(update.flushMilliseconds)}`);
  console.log(
    `update of 8 MiB        ${ms(update.atomicMilliseconds)} atomic, ${ms(update.inPlaceMilliseconds)} in place`,
  );
  const io = [
    ['write', 'pwrite', write, met.write],
    ['read', 'read', read, met.read],
  ];
  for (const [name, copying, row, reached] of io) {
    console.log(
      `${name.padEnd(6)} ${bytes / MiB} MiB        ${s(row.packageSeconds)}; C: ${s(row.mmapSeconds)} mmap (ratio ` +
        `${row.mmapRatio.toFixed(3)}), ${s(row.copyingSeconds)} ${copying} (ratio ${row.copyingRatio.toFixed(3)})` +
        goal(reached, 'within 5 % of mmap'),
    );
  }
}
