// Making a new version the one that readers find, so that a crash at any moment leaves the old one or the new one.
import {
  type ArrayDescriptor,
  byteLength,
  byteOffset,
  type Extent,
  encodeMetadata,
  encodeSlot,
  type MetadataMap,
  metadataFor,
  otherSlot,
  payloadAlignment,
  placeExtent,
  type Slot,
  type SlotName,
  slotOffset,
} from '@vgpu/format';
import { isMmapError, type MappedFile } from '@vgpu/mmap-native';
import { ArrayError, cutOff } from './errors.js';
import type { Range } from './reading.js';
import { endOfExtents, extentsOf, readVersion, type Version } from './version.js';

export interface NextVersion {
  readonly descriptor: ArrayDescriptor;
  /** Written already, to bytes that no valid slot refers to; or the present one. */
  readonly payload: Range;
  readonly hot?: Extent;
  /** Checksum included. */
  readonly metadata: MetadataMap;
  /** False marks the start of an in-place update. */
  readonly committed: boolean;
}

/**
 * Metadata to free space, flush, inactive slot, flush, the other slot as a mirror, flush, old space freed.
 * An error of ERR_VGPU_ARRAY_FAILED means that either version may be the published one; after any other error it is
 * still the old one.
 */
export async function publish(file: MappedFile, present: Version, next: NextVersion): Promise<Version> {
  // Growing again below, it would have zeros where the payload was.
  if (file.size < next.payload.offset + next.payload.length) throw cutOff(file.path);
  checkNamed(file);
  const { header } = present;
  const taken = extentsOf(header);
  const block = encodeMetadata(metadataFor(next.descriptor, next.metadata, next.committed));
  const payload = extent(next.payload);
  // Whole pages for itself: a page with bytes of the old version is never written again.
  const metadata = placeExtent([...taken.map(extent), payload], block.length, payloadAlignment);
  await file.reserveAsync(metadata.offset, metadata.length);
  await file.writeAsync(metadata.offset, block);
  await file.flushAsync();

  const slot: Slot = {
    generation: header.slot.generation + 1n,
    payload,
    metadata,
    hot: next.hot ?? { offset: byteOffset(0), length: byteLength(0) },
  };
  try {
    await writeSlots(file, otherSlot(header.active), slot);
    checkNamed(file);
    freeExtents(file, taken, [slot.payload, slot.metadata, slot.hot]);
    return await readVersion(file, { allowUncommitted: true });
  } catch (error) {
    throw new ArrayError('ERR_VGPU_ARRAY_FAILED', 'a new version was not published completely', {
      values: { generation: slot.generation },
      remedy: 'Close the array and open it again: it has either the old version or the new one, whole.',
      cause: error,
    });
  }
}

/** A version of a file that nobody can find any more must not be acknowledged. */
function checkNamed(file: MappedFile): void {
  if (!file.replaced) return;
  throw new ArrayError(
    'ERR_VGPU_ARRAY_CHANGED',
    `${file.path} was replaced, moved or removed while it was open`,
    {
      values: { path: file.path },
      remedy: 'Export what this array holds, close it, and open the file that is there now.',
    },
  );
}

/**
 * The slot, and then its mirror in the other place. Without the mirror, damage to the newer slot would bring back a
 * version whose bytes are in use for something else by then.
 */
export async function writeSlots(file: MappedFile, name: SlotName, slot: Slot): Promise<void> {
  await file.writeAsync(slotOffset(name), encodeSlot(slot));
  await file.flushAsync();
  const generation = slot.generation > 0n ? slot.generation - 1n : 0n;
  await file.writeAsync(slotOffset(otherSlot(name)), encodeSlot({ ...slot, generation }));
  await file.flushAsync();
}

/** Gives the space of `old` back, except where `kept` lies. The file ends with what is kept. */
export function freeExtents(file: MappedFile, old: readonly Range[], kept: readonly Range[]): void {
  const end = endOfExtents(kept);
  if (file.size > end) file.resize(end);
  for (const { offset, length } of old) {
    const present = Math.min(length, end - offset);
    if (present > 0 && !kept.some((each) => overlap(each, { offset, length }))) punch(file, offset, present);
  }
}

/** False where the file system knows no holes: the bytes stay, and the next version uses their space again. */
export function punch(file: MappedFile, offset: number, length: number): boolean {
  try {
    file.punchHole(offset, length);
    return true;
  } catch (error) {
    if (isMmapError(error) && error.code === 'ERR_VGPU_MMAP_UNSUPPORTED') return false;
    throw error;
  }
}

function overlap(a: Range, b: Range): boolean {
  return a.length > 0 && b.length > 0 && a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

export function extent({ offset, length }: Range): Extent {
  return { offset: byteOffset(offset), length: byteLength(length) };
}
