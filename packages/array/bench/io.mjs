// Sequential I/O through each layer of ours, beside the same in C.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeHeader, encodeHeader, simpleHeaderBytes } from '@vgpu/format';
import { MappedFile } from '@vgpu/mmap-native';
import { PersistentArray } from '../dist/index.js';
import { median, seconds } from './time.mjs';

// The C library copies more than some MiB at once in four interleaved streams, where it is not aligned to pages: then the
// kernel sees no sequence, and each page is a fault of its own.
const blockBytes = 1024 * 1024;
const block = new Uint8Array(Float64Array.from({ length: blockBytes / 8 }, (_, index) => index + 1.1).buffer);
const streamedBytes = 16 * 1024 * 1024;

/**
 * `mapped` and `copied` are a simple file through MappedFile: header and flush are all that they add. Whole arrays do
 * more (metadata, checksum, more flushes, a rename), so they have no goal.
 */
const ways = [
  { name: 'C mapped', write: inC('write-mmap'), read: inC('read-mmap') },
  { name: 'C copied', write: inC('write-pwrite'), read: inC('read-read') },
  { name: 'mapped', beside: 'C mapped', goal: true, write: timed(writeMapped), read: timed(readMapped) },
  { name: 'copied', beside: 'C copied', goal: true, write: timed(writeCopied), read: timed(readCopied) },
  { name: 'array', beside: 'C mapped', goal: false, write: timed(writeArray), read: timed(readArray) },
];

/**
 * In another order each round, so that whatever else the machine does, and what the file before left to do for the disk,
 * hits all alike; and one file at a time, so that each finds as much free memory as the others. `work` is where the files
 * lie and how large they are: { directory, bytes }.
 */
export async function measureIo(work, rounds, goalRatio) {
  const compiler = process.env.CC ?? 'cc';
  const source = join(import.meta.dirname, 'baseline.c');
  const baseline = join(work.directory, 'baseline');
  execFileSync(compiler, ['-O2', '-Wall', '-Wextra', '-Werror', '-o', baseline, source]);

  const times = Object.fromEntries(ways.map(({ name }) => [name, { write: [], read: [] }]));
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (const { name, write, read } of shuffled(ways)) {
      const path = join(work.directory, 'file');
      const file = { path, bytes: work.bytes, baseline };
      const written = await write(file);
      forget(file);
      const wasRead = await read(file);
      rmSync(path);
      execFileSync('sync', ['-f', work.directory]);
      if (round === 0) continue;
      times[name].write.push(written);
      times[name].read.push(wasRead);
    }
  }
  return { write: summary(times, 'write', goalRatio), read: summary(times, 'read', goalRatio) };
}

function shuffled(list) {
  return list
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Ratios within a round, so that a disk that changes its speed between rounds does not count. */
function summary(times, what, goalRatio) {
  return ways.map(({ name, beside, goal }) => {
    const row = { name, medianSeconds: median(times[name][what]) };
    if (beside === undefined) return row;
    const reference = times[beside][what];
    const ratio = median(times[name][what].map((time, round) => time / reference[round]));
    return { ...row, beside, ratio, ...(goal && { met: ratio < goalRatio }) };
  });
}

function inC(how) {
  return ({ baseline, path, bytes }) =>
    Number.parseFloat(execFileSync(baseline, [how, path, String(bytes)], { encoding: 'utf8' }));
}

function timed(action) {
  return (file) => seconds(() => action(file));
}

function writeMapped({ path, bytes }) {
  const file = MappedFile.create(path, { size: simpleHeaderBytes + bytes });
  file.write(0, encodeHeader());
  const target = file.window(simpleHeaderBytes, bytes).bytes;
  copyInto(target);
  file.flush();
  file.close();
}

function copyInto(target) {
  for (const { start, length } of pieces(target.length)) target.set(block.subarray(0, length), start);
}

function writeCopied({ path, bytes }) {
  const file = MappedFile.create(path, { size: simpleHeaderBytes + bytes });
  file.write(0, encodeHeader());
  for (const { start, length } of pieces(bytes)) {
    file.write(simpleHeaderBytes + start, block.subarray(0, length));
  }
  file.flush();
  file.close();
}

/** Pieces that end at the borders of pages, though the payload begins behind the header: each page is written once. */
function* pieces(bytes) {
  for (let start = 0; start < bytes; ) {
    const length = Math.min(blockBytes - ((simpleHeaderBytes + start) % blockBytes), bytes - start);
    yield { start, length };
    start += length;
  }
}

async function writeArray({ path, bytes }) {
  const shape = { structure: 'dense', dtype: 'f64', rows: bytes / 8192, columns: 1024 };
  const array = await PersistentArray.create(path, shape, { update: 'in-place' });
  await array.begin();
  for await (const { values } of array.blocks({
    blockBytes: streamedBytes,
    prefetch: false,
    discard: false,
  })) {
    const target = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    copyInto(target);
  }
  await array.commit();
  await array.close();
}

function readMapped({ path }) {
  const file = MappedFile.open(path);
  file.advise('sequential');
  const payloadOffset = readHeader(file);
  touch(file.window(payloadOffset, file.size - payloadOffset).bytes);
  file.close();
}

function readCopied({ path }) {
  const file = MappedFile.open(path);
  const buffer = new Uint8Array(blockBytes);
  for (let done = readHeader(file); done < file.size; ) {
    const count = file.read(done, buffer);
    touch(buffer.subarray(0, count));
    done += count;
  }
  file.close();
}

async function readArray({ path }) {
  const array = await PersistentArray.open(path);
  for await (const { values } of array.blocks({ blockBytes: streamedBytes, discard: false })) {
    touch(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  await array.close();
}

function readHeader(file) {
  const header = new Uint8Array(simpleHeaderBytes);
  file.read(0, header);
  return decodeHeader(header).payloadOffset;
}

/** One byte of each page: what is measured is the reading, not the adding. */
function touch(bytes) {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 4096) sum += bytes[index];
  if (!(sum > 0)) throw new Error('nothing was read');
}

/** Out of the page cache, so that reading reads. */
function forget({ path, bytes }) {
  const file = MappedFile.open(path, { access: 'read-write' });
  file.flush();
  file.discard();
  const resident = file.residentBytes();
  file.close();
  if (resident > bytes / 100) throw new Error(`${resident} bytes of ${path} are still in memory`);
}
