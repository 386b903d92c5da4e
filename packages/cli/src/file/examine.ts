// Reads as much of a file as can be understood, however damaged it is. Only node:fs and @vgpu/format: nothing is
// mapped or locked.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import {
  type Assumption,
  type ContainerDescription,
  containerHeaderBytes,
  crc32,
  decodeHeader,
  decodeMetadata,
  decodeNpyHeader,
  describeContainer,
  detectFormat,
  type Extent,
  encodePreamble,
  type FileKind,
  InvalidFileFormatError,
  isFormatError,
  type MetadataMap,
  type NpyHeader,
  npyDataBytes,
  readContainerHeader,
  type SlotName,
  slotOffset,
} from '@vgpu/format';
import { fileError } from './paths.js';

/** Longer blocks are refused by the format too. */
const maximumMetadataBytes = 16 * 2 ** 20;
/** More than the longest .npy header. */
const headBytes = 0x11000;

/** What a slot says, believed or not: offsets of a damaged one can be anything. */
export interface SlotFinding {
  readonly name: SlotName;
  readonly generation: bigint;
  readonly payload: RawExtent;
  readonly metadata: RawExtent;
  readonly hot: RawExtent;
  readonly checksumOk: boolean;
  readonly active: boolean;
  /** Why the file is, or is not, read through this slot. */
  readonly reason: string;
  readonly valid: boolean;
}

export interface RawExtent {
  readonly offset: bigint;
  readonly length: bigint;
}

export interface Examination {
  readonly path: string;
  readonly kind: FileKind;
  readonly bytes: number;
  /** What the file system gave it: less than `bytes` where the file has holes. */
  readonly allocatedBytes: number;
  readonly slots: readonly SlotFinding[];
  readonly description?: ContainerDescription;
  /** Also when they describe no array. */
  readonly metadata?: MetadataMap;
  readonly npy?: NpyHeader;
  /** Of simple and .npy files. */
  readonly payload?: Extent;
  /** Why the file cannot be read as it is. */
  readonly error?: Error;
  /** Up to `length` bytes at `offset`. */
  read(offset: number, length: number): Uint8Array;
}

/**
 * Examines the file and hands the findings to `use`, during which they can read on.
 * @throws CliError when the file itself cannot be opened or read
 */
export function examine<T>(path: string, assume: Assumption | undefined, use: (found: Examination) => T): T {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw fileError(path, error);
  }
  try {
    const { size, blocks } = fstatSync(file);
    const read = (offset: number, length: number) =>
      readAt(path, file, offset, Math.min(length, size - offset));
    const head = read(0, headBytes);
    const kind = detectFormat(head);
    const found = { path, kind, bytes: size, allocatedBytes: blocks * 512, slots: [], read };
    return use({ ...found, ...contents(kind, head, size, read, assume) });
  } finally {
    closeSync(file);
  }
}

function readAt(path: string, file: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(length, 0));
  let done = 0;
  try {
    while (done < bytes.length) {
      const count = readSync(file, bytes, done, bytes.length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
  } catch (error) {
    throw fileError(path, error);
  }
  return bytes.subarray(0, done);
}

type Read = Examination['read'];

function contents(
  kind: FileKind,
  head: Uint8Array,
  size: number,
  read: Read,
  assume: Assumption | undefined,
): Partial<Examination> {
  try {
    switch (kind) {
      case 'npy':
        return npyContents(head, size);
      case 'simple': {
        const { payloadOffset } = decodeHeader(head);
        return { payload: extent(payloadOffset, size - payloadOffset) };
      }
      case 'container':
        return containerContents(head, size, read, assume);
      case 'unknown':
        // Only for its error, which says what was expected.
        readContainerHeader(head, size);
        return {};
    }
  } catch (error) {
    return { error: formatError(error) };
  }
}

function npyContents(head: Uint8Array, size: number): Partial<Examination> {
  const npy = decodeNpyHeader(head);
  const needed = npyDataBytes(npy.dtype, npy.shape);
  const payload = extent(npy.dataOffset, Math.min(needed, size - npy.dataOffset));
  if (payload.length === needed) return { npy, payload };
  const error = new InvalidFileFormatError('truncated', 'the data of the .npy file are cut off', {
    offset: size,
    found: `${payload.length} bytes`,
    expected: `${needed} bytes`,
  });
  return { npy, payload, error };
}

function containerContents(
  head: Uint8Array,
  size: number,
  read: Read,
  assume: Assumption | undefined,
): Partial<Examination> {
  const slots = findSlots(head, size);
  let metadata: MetadataMap | undefined;
  try {
    const header = readContainerHeader(head, size);
    const { offset, length } = header.slot.metadata;
    const block = read(offset, Math.min(length, maximumMetadataBytes + 1));
    metadata = decodeMetadata(block, offset);
    const options = assume === undefined ? {} : { assume };
    const description = describeContainer(header, block, { ...options, allowUncommitted: true });
    const found = { slots, metadata, description };
    if (description.committed) return found;
    return { ...found, error: errorOf(() => describeContainer(header, block, options)) };
  } catch (error) {
    return { slots, ...(metadata && { metadata }), error: formatError(error) };
  }
}

/** Both slots as they are in the file, also when the bytes in front of them are damaged. */
function findSlots(head: Uint8Array, size: number): SlotFinding[] {
  const probe = new Uint8Array(containerHeaderBytes);
  probe.set(head.subarray(0, containerHeaderBytes));
  probe.set(encodePreamble());
  const names = (['A', 'B'] as const).filter((name) => slotOffset(name) < head.length);
  const problems = names.map((name) => problemOf(probe, size, name));
  const raw = names.map((name) => rawSlot(probe, name));
  const active = chooseSlot(probe, size);
  const tied = raw[0]?.generation === raw[1]?.generation;
  return raw.map((slot, index) => {
    const isActive = active === slot.name;
    const problem = problems[index];
    const alone = problems.length < 2 || problems[1 - index] !== undefined;
    return {
      ...slot,
      active: isActive,
      valid: problem === undefined,
      reason: problem?.message ?? explain(isActive, alone, tied),
    };
  });
}

function explain(active: boolean, alone: boolean, tied: boolean): string {
  if (alone) return active ? 'the only valid slot' : 'the file is refused';
  if (tied)
    return active ? 'same generation as B, and A comes first' : 'same generation as A, which comes first';
  return active ? 'the newest generation' : 'an older generation';
}

function chooseSlot(probe: Uint8Array, size: number): SlotName | undefined {
  try {
    return readContainerHeader(probe, size).active;
  } catch (error) {
    formatError(error);
    return undefined;
  }
}

function problemOf(probe: Uint8Array, size: number, name: SlotName): Error | undefined {
  try {
    readContainerHeader(probe, size, name);
    return undefined;
  } catch (error) {
    return formatError(error);
  }
}

function rawSlot(probe: Uint8Array, name: SlotName): Omit<SlotFinding, 'active' | 'reason' | 'valid'> {
  const start = slotOffset(name);
  const view = new DataView(probe.buffer, start);
  const field = (index: number) => view.getBigUint64(index * 8, true);
  const place = (index: number): RawExtent => ({ offset: field(index), length: field(index + 1) });
  return {
    name,
    generation: field(0),
    payload: place(1),
    metadata: place(3),
    hot: place(5),
    checksumOk: crc32(probe.subarray(start, start + 56)) === view.getUint32(56, true),
  };
}

function extent(offset: number, length: number): Extent {
  return { offset, length: Math.max(length, 0) } as Extent;
}

function errorOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return formatError(error);
  }
  throw new Error('unreachable: the array was not committed');
}

/** Damage is what this file is about; anything else is a mistake of ours. */
function formatError(error: unknown): Error {
  if (isFormatError(error)) return error;
  throw error;
}
