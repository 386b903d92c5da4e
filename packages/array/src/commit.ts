// From a draft to the published version.
import type { MetadataMap } from '@vgpu/format';
import type { MappedFile } from '@vgpu/mmap-native';
import { newUuid } from './array-options.js';
import { type Draft, draftMetadata } from './draft.js';
import { checkAborted } from './errors.js';
import type { LongOptions } from './options.js';
import { publish } from './publish.js';
import type { Version } from './version.js';

export interface CommitOptions extends LongOptions {
  /** The new version's metadata: all keys but those that the format owns. Without it the old ones stay. */
  readonly metadata?: MetadataMap | undefined;
}

/** Nobody holds a view of the draft any more: the bytes on disk are those that the checksums are made of. */
export async function commitDraft(
  writer: MappedFile,
  version: Version,
  draft: Draft,
  options: CommitOptions,
): Promise<Version> {
  const { signal } = options;
  checkAborted(signal);
  // The checksums are computed while the disk writes.
  const flushed = writer.flushAsync();
  flushed.catch(() => {});
  const changed = draft.differs || draft.touched.changed;
  const metadata = await draftMetadata(
    writer,
    draft,
    nextMetadata(version, changed, options.metadata),
    options,
  ).finally(() => flushed);
  checkAborted(signal);
  const { descriptor, header } = version;
  return await publish(writer, version, {
    descriptor: changed ? { ...descriptor, payloadUuid: newUuid() } : descriptor,
    payload: draft.payload,
    metadata,
    committed: true,
    // A cache belongs to the payload that it was made from.
    ...(changed ? {} : { hot: header.slot.hot }),
  });
}

function nextMetadata(
  { metadata: present }: Version,
  changed: boolean,
  replacement: MetadataMap = present,
): MetadataMap {
  const next = new Map(replacement);
  const vgpu = present.get('vgpu');
  if (vgpu !== undefined) next.set('vgpu', vgpu);
  else next.delete('vgpu');
  if (changed) next.delete('cached');
  return next;
}
