// Bringing a file back into order, one explicit action at a time.
import { encodeSlot, otherSlot, type ReadOptions, slotOffset } from '@vgpu/format';
import { MappedFile } from '@vgpu/mmap-native';
import { newUuid } from './array-options.js';
import { emptyChecksum } from './checksum.js';
import { type Diagnosis, diagnoseFile, type RepairAction } from './diagnose.js';
import { draftMetadata } from './draft.js';
import { ArrayError, checkAborted } from './errors.js';
import type { LongOptions } from './options.js';
import { extent, publish, writeSlots } from './publish.js';
import { TouchedChunks } from './touched.js';
import { endOfExtents, extentsOf, readHeader, readVersion } from './version.js';

export interface RepairOptions extends LongOptions, Pick<ReadOptions, 'assume'> {}

export interface RepairReport {
  readonly action: RepairAction;
  readonly before: Diagnosis;
  readonly after: Diagnosis;
}

/**
 * Does one of the actions that diagnose() names. Each is as safe against a crash as a commit.
 * @throws ArrayError ERR_VGPU_ARRAY_NO_REPAIR when the action does not apply; the file is as before. _ABORTED
 * @throws MmapError ERR_VGPU_MMAP_LOCKED when the file is in use, _ACCESS, _NO_SPACE
 */
export async function repair(
  path: string,
  action: RepairAction,
  options: RepairOptions = {},
): Promise<RepairReport> {
  checkAborted(options.signal);
  const file = await MappedFile.openAsync(path, { access: 'read-write', lock: 'exclusive' });
  try {
    const before = await diagnoseFile(file, options);
    if (!before.actions.includes(action)) {
      throw new ArrayError('ERR_VGPU_ARRAY_NO_REPAIR', `${action} does not apply to ${path}`, {
        values: { path, action, applicable: before.actions.join(', ') },
        remedy:
          before.actions.length > 0
            ? `What applies: ${before.actions.join(', ')}.`
            : 'Restore it from a backup.',
      });
    }
    await repairs[action](file, options);
    return { action, before, after: await diagnoseFile(file, options) };
  } finally {
    file.close();
  }
}

const repairs: Readonly<Record<RepairAction, (file: MappedFile, options: RepairOptions) => Promise<void>>> = {
  accept,
  previous,
  mirror,
  trim,
};

async function accept(file: MappedFile, options: RepairOptions): Promise<void> {
  const { assume } = options;
  const version = await readVersion(file, {
    allowUncommitted: true,
    ...(assume === undefined ? {} : { assume }),
  });
  const { payload } = version;
  const checksum = emptyChecksum(payload.length);
  const touched = new TouchedChunks(checksum.chunkBytes, checksum.values.length);
  touched.includeAll();
  const draft = { payload: extent(payload), touched, checksum };
  const metadata = new Map(await draftMetadata(file, draft, version.metadata, options));
  // Caches were made from other values.
  metadata.delete('cached');
  const descriptor = { ...version.descriptor, payloadUuid: newUuid() };
  await publish(file, version, { descriptor, payload, metadata, committed: true });
}

async function previous(file: MappedFile): Promise<void> {
  const header = await readHeader(file);
  const [present, other] = [header.slot, header.slots.find(({ name }) => name !== header.active)?.slot];
  if (other === undefined) throw new Error('unreachable: diagnose found the other slot readable');
  // Into the place of the version that is given up: should this write be torn, the other slot is what remains.
  await writeSlots(file, header.active, { ...other, generation: present.generation + 1n });
}

async function mirror(file: MappedFile): Promise<void> {
  const header = await readHeader(file);
  const { slot, active } = header;
  const generation = slot.generation > 0n ? slot.generation - 1n : 0n;
  await file.writeAsync(slotOffset(otherSlot(active)), encodeSlot({ ...slot, generation }));
  await file.flushAsync();
}

async function trim(file: MappedFile): Promise<void> {
  const header = await readHeader(file);
  file.resize(endOfExtents(extentsOf(header)));
  await file.flushAsync();
}
