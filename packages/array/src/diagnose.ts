// What is wrong with a file, and what of it can still be read.
import {
  type ArrayDescriptor,
  containerHeaderBytes,
  detectFormat,
  type FileKind,
  type FormatWarning,
  type ReadOptions,
  readContainerHeader,
  type SlotName,
} from '@vgpu/format';
import { MappedFile } from '@vgpu/mmap-native';
import type { Range } from './reading.js';
import { endOfExtents, extentsOf, readUpTo, readVersion, type Version } from './version.js';

/** What a slot of the file refers to. */
export interface DiagnosedVersion {
  readonly slot: SlotName;
  /** The one that opening the file gives. */
  readonly active: boolean;
  /** Why this version cannot be read; undefined when it can. */
  readonly error: Error | undefined;
  readonly generation: bigint | undefined;
  readonly descriptor: ArrayDescriptor | undefined;
  readonly payload: Range | undefined;
  readonly metadata: Range | undefined;
  /** False when an in-place update did not finish. */
  readonly committed: boolean | undefined;
  readonly checksum: Version['checksum']['kind'] | undefined;
}

/**
 * What repair() can do to a file:
 * - `accept`: take the payload as it is now, with a new checksum, as committed. After an interrupted in-place update, or
 *   when verify() found damage;
 * - `previous`: make the version of the other slot the present one again;
 * - `mirror`: write the inactive slot anew, as a copy of the active one, where it is damaged or says something else;
 * - `trim`: cut off bytes at the end that belong to no version.
 */
export type RepairAction = 'accept' | 'previous' | 'mirror' | 'trim';

export interface Diagnosis {
  readonly path: string;
  readonly kind: FileKind;
  readonly fileBytes: number;
  /** What opening the file throws; undefined when it opens. */
  readonly error: Error | undefined;
  /** What is odd, but leaves no doubt about the values. */
  readonly warnings: readonly FormatWarning[];
  /** Of slots A and B; none when the file is no container. */
  readonly versions: readonly DiagnosedVersion[];
  /** Bytes at the end that belong to no version. */
  readonly unreferencedBytes: number;
  readonly actions: readonly RepairAction[];
}

export type DiagnoseOptions = Pick<ReadOptions, 'assume'> & {
  /** `none` looks at a file that somebody may be writing; what it finds may be gone at once. */
  readonly lock?: 'shared' | 'none' | undefined;
};

/**
 * Reads header and metadata only: damage to the payload is what verify() finds. A damaged file is a result, not an
 * error.
 * @throws MmapError when the file cannot be opened or read
 */
export async function diagnose(path: string, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const file = await MappedFile.openAsync(path, { access: 'read', lock: options.lock ?? 'shared' });
  try {
    return await diagnoseFile(file, options);
  } finally {
    file.close();
  }
}

export async function diagnoseFile(
  file: MappedFile,
  { assume }: Pick<ReadOptions, 'assume'>,
): Promise<Diagnosis> {
  const fileBytes = file.size;
  const bytes = await readUpTo(file, 0, Math.min(fileBytes, containerHeaderBytes));
  const kind = detectFormat(bytes);
  const options = assume === undefined ? {} : { assume };
  const opened = await attempt(() => readVersion(file, options));
  const uncommitted = await attempt(() => readVersion(file, { ...options, allowUncommitted: true }));
  const header = attemptSync(() => readContainerHeader(bytes, fileBytes));
  const versions = header.error === undefined ? await versionsOf(file, options, header.result.active) : [];
  const present = uncommitted.error === undefined ? uncommitted.result : undefined;
  const unreferencedBytes =
    header.error === undefined ? Math.max(fileBytes - endOfExtents(extentsOf(header.result)), 0) : 0;
  return {
    path: file.path,
    kind,
    fileBytes,
    error: opened.error,
    warnings: present?.warnings ?? [],
    versions,
    unreferencedBytes,
    actions: actionsFor(present, versions, unreferencedBytes),
  };
}

async function versionsOf(
  file: MappedFile,
  options: ReadOptions,
  active: SlotName,
): Promise<DiagnosedVersion[]> {
  const versions: DiagnosedVersion[] = [];
  for (const slot of ['A', 'B'] as const) {
    const read = await attempt(() => readVersion(file, { ...options, slot, allowUncommitted: true }));
    const version = read.error === undefined ? read.result : undefined;
    versions.push({
      slot,
      active: slot === active,
      error: read.error,
      generation: version?.header.slot.generation,
      descriptor: version?.descriptor,
      payload: version?.payload,
      metadata: version?.header.slot.metadata,
      committed: version?.committed,
      checksum: version?.checksum.kind,
    });
  }
  return versions;
}

function actionsFor(
  present: Version | undefined,
  versions: readonly DiagnosedVersion[],
  unreferencedBytes: number,
): RepairAction[] {
  const active = versions.find((version) => version.active);
  const other = versions.find((version) => !version.active);
  if (active === undefined || other === undefined) return [];
  const same = samePlaces(active, other);
  const actions: RepairAction[] = [];
  if (present !== undefined && present.descriptor.structure !== 'block') actions.push('accept');
  if (other.error === undefined && !same) actions.push('previous');
  if (active.error === undefined && !same) actions.push('mirror');
  if (active.error === undefined && unreferencedBytes > 0) actions.push('trim');
  return actions;
}

function samePlaces(a: DiagnosedVersion, b: DiagnosedVersion): boolean {
  return (
    a.payload?.offset === b.payload?.offset &&
    a.metadata?.offset === b.metadata?.offset &&
    a.metadata?.length === b.metadata?.length
  );
}

type Attempt<T> = { readonly result: T; readonly error?: undefined } | { readonly error: Error };

async function attempt<T>(action: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { result: await action() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error };
  }
}

function attemptSync<T>(action: () => T): Attempt<T> {
  try {
    return { result: action() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error };
  }
}
