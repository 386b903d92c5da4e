// What the calls of PersistentArray take.
import type { ArrayDescriptorInput, ReadOptions } from '@vgpu/format';
import type { ValueAt } from './fill.js';
import type { NewFileOptions } from './new-file.js';

/**
 * How a new version comes about. `atomic`: beside the old one, so that a crash leaves the old version or the new one;
 * needs disk space for both. `in-place`: in the same bytes, after the file was marked as uncommitted; a crash leaves a
 * file that says so. For arrays too large to copy.
 */
export type UpdateMode = 'atomic' | 'in-place';

type WithoutUuid<T> = T extends unknown ? Omit<T, 'payloadUuid'> & { readonly payloadUuid?: string } : never;
/** As in @vgpu/format; a missing payloadUuid is made. */
export type NewArray = WithoutUuid<ArrayDescriptorInput>;

export interface CreateOptions extends NewFileOptions {
  /**
   * The stored value (before any view) of each element; all are zero without it. Every element is asked for, those
   * that follow from the structure too, and one that contradicts it is refused. cf16 asks for each element twice.
   */
  readonly values?: ValueAt | undefined;
  /** Ask for stored elements only, and take the structure on trust: half the time, or for a diagonal far less. */
  readonly storedOnly?: boolean | undefined;
  /** For the array that is returned; `atomic` unless said otherwise. */
  readonly update?: UpdateMode | undefined;
}

export interface OpenOptions {
  /** Open for changing; without it read only. */
  readonly update?: UpdateMode | undefined;
  /** Open a file whose in-place update never finished: its values are some old and some new. */
  readonly allowUncommitted?: boolean | undefined;
  /** Structure and dtype of a file that does not say them. */
  readonly assume?: ReadOptions['assume'] | undefined;
  /**
   * Read only: `none` reads while somebody else may be writing. What was published when the file was opened may be
   * freed or overwritten at any time then, and only verify() would notice.
   */
  readonly lock?: 'shared' | 'none' | undefined;
}

export function newUuid(): string {
  return crypto.randomUUID().replaceAll('-', '');
}
