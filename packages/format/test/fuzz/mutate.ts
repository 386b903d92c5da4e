// Feeds damaged files to every reader: `pnpm --filter @vgpu/format fuzz -- 1000000 [seed]`. Whatever the input, a
// reader must answer with a result or a typed error that blames the file, and agree with itself when its result is
// written and read again. The script runs it with a small heap, so an allocation that believes a count in the file ends
// it. A failing input is printed as base64.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  crc32,
  decodeHeader,
  decodeMetadata,
  detectFormat,
  encodeHeader,
  encodeMetadata,
  FormatError,
  readContainer,
  readNpy,
  valuesOf,
  writeContainer,
} from '../../src/index.js';
import { goldenBytes, goldenNames } from '../golden.js';

const [countText = '100000', seedText = String(Date.now() >>> 0)] = process.argv
  .slice(2)
  .filter((word) => word !== '--');
const count = Number(countText);
const seed = Number(seedText) >>> 0;
if (!Number.isSafeInteger(count) || count < 1) throw new Error(`how many inputs? ${countText} is no count`);

/** Larger ones would be copied most of the time instead of read. */
const largestSeed = 16 * 1024;

/** Generous, as other programs may be busy: a loop over a count that the file made up takes minutes. */
const slowest = 5000;

const random = xorshift(seed);
const corpus = [
  ...['', 'handmade', 'unloadable', 'broken'].flatMap((folder) => goldenNames(folder).map(goldenBytes)),
  ...npyFiles(),
  encodeHeader(),
].filter(({ length }) => length <= largestSeed);

const outcomes = new Map<string, number>();
const start = Date.now();
for (let index = 0; index < count; index++) {
  const input = mutate(corpus[random(corpus.length)] ?? encodeHeader());
  try {
    const began = performance.now();
    const outcome = check(input);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (performance.now() - began > slowest) throw new Error(`one input took longer than ${slowest} ms`);
  } catch (error) {
    console.error(`input ${index} of seed ${seed}:\n${Buffer.from(input).toString('base64')}`);
    throw error;
  }
  if (index % 250_000 === 249_999) {
    console.log(`${index + 1} inputs, ${Math.round((Date.now() - start) / 1000)} s`);
  }
}
for (const [outcome, times] of [...outcomes].sort((a, b) => b[1] - a[1]))
  console.log(`${String(times).padStart(9)}  ${outcome}`);
const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
console.log(
  `${count} inputs, seed ${seed}, ${Math.round((Date.now() - start) / 1000)} s, ${memory} MiB: no failure`,
);

/** What became of the input; anything but a typed error is thrown on. */
function check(input: Uint8Array): string {
  try {
    return read(input);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // A reader must blame the file, never its caller.
    if (error.code === 'ERR_VGPU_FORMAT_ARGUMENT') throw error;
    return error.code;
  }
}

function read(input: Uint8Array): string {
  const kind = detectFormat(input);
  if (kind === 'simple') decodeHeader(input);
  if (kind === 'npy' || random(50) === 0) readNumpy(input);
  if (kind === 'npy') return 'npy';
  // Also what is not recognised: nobody asks detectFormat first.
  readPycauset(input);
  return 'container';
}

function readNumpy(input: Uint8Array): void {
  const { data, shape, get } = readNpy(input);
  if (data.length > input.length) throw new Error('more data than input');
  if (!shape.includes(0)) get(...shape.map((size) => random(size)));
}

function readPycauset(input: Uint8Array): void {
  const container = readContainer(input, { allowUncommitted: true });
  const { descriptor, payloadBytes, metadata, layout } = container;
  if (payloadBytes.length !== layout.byteLength) throw new Error('the payload is not as long as its layout');
  if (descriptor.structure === 'block') return;
  const values = valuesOf(container);
  if (values.rows > 0 && values.columns > 0) values.get(random(values.rows), random(values.columns));
  if (random(8) !== 0) return;
  const again = readContainer(writeContainer({ descriptor, payload: payloadBytes, metadata }));
  if (again.descriptor.structure !== descriptor.structure)
    throw new Error('written and read again it is another array');
  const bytes = encodeMetadata(metadata);
  if (Buffer.compare(encodeMetadata(decodeMetadata(bytes)), bytes) !== 0)
    throw new Error('metadata changed in a round trip');
}

function mutate(original: Uint8Array): Uint8Array {
  const bytes = original.slice(0, random(12) === 0 ? random(original.length + 1) : original.length);
  for (let times = random(6); times >= 0; times--) mutateOnce(bytes);
  // Most changes would end at a checksum: with right ones they reach what lies behind it.
  if (random(4) !== 0) repairChecksums(bytes);
  return bytes;
}

function mutateOnce(bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  const offset = interestingOffset(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const choice = random(7);
  if (choice === 0) bytes[offset] = random(256);
  else if (choice === 1) bytes[offset] = (bytes[offset] ?? 0) ^ (1 << random(8));
  else if (choice === 2) bytes[offset] = random(10);
  else if (choice === 3 && offset + 4 <= bytes.length) view.setUint32(offset, awkward(), true);
  else if (choice === 4 && offset + 8 <= bytes.length)
    view.setBigUint64(offset, BigInt(awkward()) << BigInt(random(33)), true);
  else if (choice === 5) bytes.copyWithin(offset, random(bytes.length), random(bytes.length));
  else bytes.fill(0, offset, offset + random(32));
}

/** Headers and metadata decide; the payload is most of the file and decides nothing. */
function interestingOffset(bytes: Uint8Array): number {
  const place = random(4);
  if (place === 0) return random(bytes.length);
  if (place === 1 || bytes.length < 4096) return random(Math.min(bytes.length, 272));
  return bytes.length - 1 - random(Math.min(bytes.length, 560));
}

function awkward(): number {
  const values = [0, 1, 7, 8, 16, 64, 255, 256, 4095, 4096, 4097, 0x7fffffff, 0x80000000, 0xffffffff];
  return values[random(values.length)] ?? 0;
}

function repairChecksums(bytes: Uint8Array): void {
  if (bytes.length < 272) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const slot of [16, 144]) {
    view.setUint32(slot + 56, crc32(bytes.subarray(slot, slot + 56)), true);
    const offset = Number(view.getBigUint64(slot + 24, true));
    const length = Number(view.getBigUint64(slot + 32, true));
    if (length < 32 || offset + length > bytes.length) continue;
    view.setBigUint64(offset + 16, BigInt(length - 32), true);
    view.setUint32(offset + 24, crc32(bytes.subarray(offset + 32, offset + length)), true);
  }
}

function npyFiles(): Uint8Array[] {
  const directory = join(dirname(fileURLToPath(import.meta.url)), '../npy');
  const names = readdirSync(directory).filter((name) => name.endsWith('.npy'));
  return names.map((name) => new Uint8Array(readFileSync(join(directory, name))));
}

/** A whole number from 0 to below `limit`; the same seed gives the same sequence everywhere. */
function xorshift(from: number): (limit: number) => number {
  let state = from || 0x9e3779b9;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * limit);
  };
}
