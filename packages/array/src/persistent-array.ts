// An array in a file: open it, look at it, change it as a whole.
import {
  type ArrayDescriptor,
  type FormatWarning,
  type MetadataMap,
  type PayloadLayout,
  parseDescriptor,
  payloadLayout,
  type Scalar,
  structuredReader,
  type ValueReader,
} from '@vgpu/format';
import type { MappedFile } from '@vgpu/mmap-native';
import {
  type CommitOptions,
  type CreateOptions,
  type NewArray,
  newUuid,
  type OpenOptions,
  type UpdateMode,
} from './array-options.js';
import { assign } from './assignment.js';
import { BlockMatrix } from './block-matrix.js';
import { elementsOf, rangeOf } from './blocks-plan.js';
import {
  type BeginOptions,
  beginAtomic,
  beginInPlace,
  type Draft,
  draftMetadata,
  dropAtomic,
} from './draft.js';
import { ArrayError, checkAborted, checkIndex } from './errors.js';
import { checkStructure, payloadPieces } from './fill.js';
import { writeNewFile } from './new-file.js';
import { openFiles } from './open-files.js';
import type { LongOptions } from './options.js';
import { publish } from './publish.js';
import type { Range } from './reading.js';
import { busy, readOnly, storesNothing } from './refusals.js';
import { StoredElements } from './stored-elements.js';
import { type StoredView, storedView } from './stored-view.js';
import { type Block, type BlocksOptions, streamBlocks } from './streaming.js';
import { type VerifyReport, verifyPayload } from './verify.js';
import type { Version } from './version.js';
import { Windows } from './windows.js';

/**
 * A typed array in a `.pycauset` file, of any size.
 *
 * Rows, columns and values are logical: structure and view are applied. Only `row`, `block`, `values` and `blocks`
 * give stored elements, without copying. Their views are dead (length 0) after begin, commit, rollback and close;
 * outside an update, writing to one changes this process's memory at most, never the file.
 *
 * Readers share a file, a writer has it alone: opening a file that is in use otherwise throws ERR_VGPU_MMAP_LOCKED at
 * once. One instance belongs to one thread. A file that another program cuts off while it is open gives
 * ERR_VGPU_MMAP_FAULTED.
 */
export class PersistentArray implements AsyncDisposable {
  readonly path: string;
  readonly #reader: MappedFile;
  readonly #writer: MappedFile | undefined;
  readonly #update: UpdateMode | undefined;
  readonly #blocks: BlockMatrix | undefined;
  #version: Version;
  #draft: Draft | undefined;
  #windows: Windows;
  #elements: StoredElements | undefined;
  #values: ValueReader;
  #running: { readonly name: string; readonly done: Promise<void> } | undefined;
  #failure: unknown;
  #closed = false;

  private constructor(parts: {
    path: string;
    reader: MappedFile;
    writer: MappedFile | undefined;
    update: UpdateMode | undefined;
    version: Version;
    blocks: BlockMatrix | undefined;
  }) {
    this.path = parts.path;
    this.#reader = parts.reader;
    this.#writer = parts.writer;
    this.#update = parts.update;
    this.#version = parts.version;
    this.#blocks = parts.blocks;
    ({ windows: this.#windows, elements: this.#elements, values: this.#values } = this.#access());
  }

  /**
   * Writes a new file, whole or not at all, and opens it for updating. O(payload) unless it is zero and not reserved.
   * @throws ArrayError ERR_VGPU_ARRAY_EXISTS, _STRUCTURE, _ABORTED
   * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT for a descriptor or a value that cannot be
   * @throws MmapError ERR_VGPU_MMAP_NO_SPACE, _ACCESS, _LOCKED (somebody has the file open that would be replaced)
   */
  static async create(path: string, array: NewArray, options: CreateOptions = {}): Promise<PersistentArray> {
    const { values, storedOnly = false, update = 'atomic', signal } = options;
    const payloadUuid = array.payloadUuid ?? newUuid();
    const descriptor = parseDescriptor({ ...array, payloadUuid });
    checkAborted(signal);
    let pieces: Iterable<Uint8Array> | undefined;
    if (descriptor.structure === 'block') {
      if (values !== undefined) {
        throw new ArrayError('ERR_VGPU_ARRAY_STRUCTURE', 'a block matrix stores no values: its blocks do');
      }
      (await BlockMatrix.open(path, descriptor)).close();
    } else if (values !== undefined) {
      const layout = payloadLayout(descriptor);
      if (!storedOnly) await checkStructure(descriptor, layout, values, signal);
      pieces = payloadPieces(descriptor, layout, values);
    }
    await writeNewFile(path, descriptor, pieces, options);
    return await PersistentArray.open(path, { update });
  }

  /**
   * Opens a file in constant time: only header and metadata are read.
   * @throws FormatError and its kinds for a file that is damaged, uncommitted, or no array
   * @throws MmapError ERR_VGPU_MMAP_NOT_FOUND, _ACCESS, _LOCKED
   */
  static async open(path: string, options: OpenOptions = {}): Promise<PersistentArray> {
    const { update } = options;
    if (update !== undefined && options.lock !== undefined) {
      throw new ArrayError(
        'ERR_VGPU_ARRAY_ARGUMENT',
        'an array that is updated is always locked: leave out `lock`',
      );
    }
    const { reader, writer, version } = await openFiles(path, options);
    try {
      const { descriptor } = version;
      const blocks = descriptor.structure === 'block' ? await BlockMatrix.open(path, descriptor) : undefined;
      return new PersistentArray({ path, reader, writer, update, version, blocks });
    } catch (error) {
      reader.close();
      writer?.close();
      throw error;
    }
  }

  /** Structure, dtype, shape and view, as stored: `rows` and `columns` of the values exchange them when transposed. */
  get descriptor(): ArrayDescriptor {
    return this.#version.descriptor;
  }

  /** Where stored elements lie in the payload. */
  get layout(): PayloadLayout {
    return this.#version.layout;
  }

  /** Of the values, view applied. */
  get rows(): number {
    return this.#values.rows;
  }

  /** Of the values, view applied. */
  get columns(): number {
    return this.#values.columns;
  }

  /** Of the values: the stored dtype unless the view multiplies, which makes it f64 or cf64. */
  get dtype(): ValueReader['dtype'] {
    return this.#values.dtype;
  }

  /** Counts versions of the file. */
  get generation(): bigint {
    return this.#version.header.slot.generation;
  }

  /** Of the published version; our own entries under `vgpu` included. */
  get metadata(): MetadataMap {
    return this.#version.metadata;
  }

  /** What was odd about the file, but left no doubt about the values. */
  get warnings(): readonly FormatWarning[] {
    return this.#version.warnings;
  }

  /** False while an in-place update is under way, or was interrupted. */
  get committed(): boolean {
    return this.#version.committed;
  }

  /** How begin() works; undefined when the array is read only. */
  get update(): UpdateMode | undefined {
    return this.#update;
  }

  /** True between begin() and commit() or rollback(). */
  get updating(): boolean {
    return this.#draft !== undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The value at a place, structure and view applied. O(1); reads a page from disk where it is not in memory.
   * @throws ArrayError ERR_VGPU_ARRAY_RANGE, _CLOSED, _BUSY (during commit and rollback)
   */
  get(row: number, column: number): Scalar {
    this.#checkReadable();
    checkIndex('row', row, this.#values.rows);
    checkIndex('column', column, this.#values.columns);
    const value = this.#values.get(row, column);
    this.#checkFaulted();
    return value;
  }

  /**
   * Changes the value at a place, and its mirror in a symmetric matrix. O(1).
   * @throws ArrayError ERR_VGPU_ARRAY_RANGE, _READ_ONLY, _NO_DRAFT, _BUSY, _CLOSED, _STRUCTURE
   * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT for a value that the dtype cannot hold
   */
  set(row: number, column: number, value: Scalar): void {
    this.#checkReadable();
    const draft = this.#checkDraft();
    checkIndex('row', row, this.#values.rows);
    checkIndex('column', column, this.#values.columns);
    const { descriptor, layout } = this.#version;
    if (descriptor.structure === 'block' || this.#elements === undefined) throw storesNothing(descriptor);
    const position = assign(descriptor, layout, this.#elements, { row, column }, value);
    this.#checkFaulted();
    if (position < 0) return;
    for (let plane = 0; plane < layout.planes; plane++) {
      draft.touched.mark(
        plane * layout.planeBytes + Math.floor(position / 8),
        Math.ceil(layout.bitsPerElement / 8),
      );
    }
  }

  /** The elements of a stored row: block(index, 1). */
  row(index: number): StoredView {
    return this.block(index, 1);
  }

  /**
   * The elements of consecutive stored rows, with the padding between them (see `layout`). No copy, O(1). During an
   * update the view is writable and counts as changed.
   * @throws ArrayError ERR_VGPU_ARRAY_RANGE, _STRUCTURE (nothing is stored), _TOO_LARGE_VIEW, _CLOSED, _BUSY
   */
  block(firstRow: number, rowCount: number): StoredView {
    this.#checkReadable();
    const { layout, descriptor } = this.#version;
    if (layout.storedRows === 0 && descriptor.rows > 0) throw storesNothing(descriptor);
    checkIndex('row', firstRow, layout.storedRows);
    if (!Number.isSafeInteger(rowCount) || rowCount < 1 || firstRow + rowCount > layout.storedRows) {
      throw new ArrayError(
        'ERR_VGPU_ARRAY_RANGE',
        `there are no ${rowCount} stored rows from row ${firstRow} of ${layout.storedRows}`,
        { values: { firstRow, rowCount, storedRows: layout.storedRows } },
      );
    }
    const elementCount = elementsOf(layout, firstRow, rowCount);
    return this.#view(rangeOf(layout, { firstRow, rowCount, firstElement: 0, elementCount }));
  }

  /**
   * All stored elements.
   * @throws ArrayError ERR_VGPU_ARRAY_TOO_LARGE_VIEW above 4 GiB, and as block() does
   */
  values(): StoredView {
    this.#checkReadable();
    const { layout, descriptor } = this.#version;
    if (layout.storedRows === 0 && descriptor.rows > 0) throw storesNothing(descriptor);
    return this.#view({ offset: 0, length: layout.planeBytes });
  }

  /**
   * The stored elements, block by block, in memory that does not grow with the array. A block's view is dead once the
   * next one is asked for. During an update the views are writable and count as changed.
   * @throws ArrayError ERR_VGPU_ARRAY_CHANGED when the array was updated or closed meanwhile; _STRUCTURE, _ABORTED
   */
  blocks(options: BlocksOptions = {}): AsyncGenerator<Block> {
    this.#checkReadable();
    const { layout, descriptor } = this.#version;
    if (descriptor.structure === 'block') throw storesNothing(descriptor);
    const windows = this.#windows;
    const draft = this.#draft;
    const source = {
      windows,
      payload: draft?.payload ?? this.#version.payload,
      layout,
      dtype: descriptor.dtype,
      check: () => {
        if (this.#windows !== windows || this.#closed) {
          throw new ArrayError(
            'ERR_VGPU_ARRAY_CHANGED',
            `${this.path} was updated or closed during the iteration`,
          );
        }
        this.#checkFaulted();
      },
      touch: ({ offset, length }: Range) => draft?.touched.mark(offset, length),
    };
    return streamBlocks(source, options);
  }

  /** Gives the memory of the array's pages back; the data stay. For who reads much of a large array with get(). */
  async discard(): Promise<void> {
    this.#checkReadable();
    const { offset, length } = this.#draft?.payload ?? this.#version.payload;
    if (length > 0) await this.#windows.file.discardAsync(offset, length);
  }

  /**
   * Starts an update. Atomic: reserves space for a second payload and copies the present one into it. In-place: marks
   * the file as uncommitted before the first byte can change. Earlier views are dead.
   * @throws ArrayError ERR_VGPU_ARRAY_READ_ONLY, _DRAFT_OPEN, _STRUCTURE (block matrix), _ABORTED, _FAILED
   * @throws MmapError ERR_VGPU_MMAP_NO_SPACE; the array is as before
   */
  async begin(options: BeginOptions = {}): Promise<void> {
    const writer = this.#checkWriter();
    if (this.#draft !== undefined)
      throw new ArrayError('ERR_VGPU_ARRAY_DRAFT_OPEN', 'an update is open already');
    if (this.#version.descriptor.structure === 'block') throw storesNothing(this.#version.descriptor);
    if (this.#update === 'in-place' && options.copy === false) {
      throw new ArrayError(
        'ERR_VGPU_ARRAY_ARGUMENT',
        'an in-place update keeps the values: leave out `copy`',
      );
    }
    await this.#exclusively('begin', async () => {
      if (this.#update === 'atomic') {
        const draft = await beginAtomic(writer, this.#version, options);
        this.#use(this.#version, draft);
      } else {
        const { draft, version } = await beginInPlace(writer, this.#version, options);
        this.#use(version, draft);
      }
    });
  }

  /**
   * Publishes the update; durable when it returns. The update's views are dead. When it fails or is aborted before
   * publishing, the update is still open. Cost: the touched chunks (4 MiB each) and three flushes.
   * @throws ArrayError ERR_VGPU_ARRAY_NO_DRAFT, _ABORTED, _FAILED (see there)
   * @throws MmapError ERR_VGPU_MMAP_NO_SPACE, _POISONED or _IO when the disk refuses
   */
  async commit(options: CommitOptions = {}): Promise<void> {
    const writer = this.#checkWriter();
    const draft = this.#checkDraft();
    await this.#exclusively('commit', async () => {
      this.#windows.close();
      try {
        const version = await this.#publish(writer, draft, options);
        this.#use(version, undefined);
      } catch (error) {
        this.#use(this.#version, draft);
        throw error;
      }
    });
  }

  /**
   * Drops an atomic update: the published version was never touched.
   * @throws ArrayError ERR_VGPU_ARRAY_NO_DRAFT, _FAILED, and _NO_ROLLBACK in place, where the old values are gone
   */
  async rollback(): Promise<void> {
    const writer = this.#checkWriter();
    const draft = this.#checkDraft();
    if (draft.mode === 'in-place') {
      throw new ArrayError(
        'ERR_VGPU_ARRAY_NO_ROLLBACK',
        'an in-place update has overwritten the old values',
        {
          remedy: 'Commit it, or close the array and restore the file from a backup.',
        },
      );
    }
    await this.#exclusively('rollback', async () => {
      this.#windows.close();
      this.#use(this.#version, undefined);
      dropAtomic(writer, draft);
    });
  }

  /**
   * Reads the whole published payload and compares it with its checksum. Damage is in the report, not thrown.
   * @throws ArrayError ERR_VGPU_ARRAY_DRAFT_OPEN during an in-place update; _ABORTED
   */
  async verify(options: LongOptions = {}): Promise<VerifyReport> {
    this.#checkReadable();
    if (this.#draft?.mode === 'in-place') {
      throw new ArrayError('ERR_VGPU_ARRAY_DRAFT_OPEN', 'there is nothing to verify before commit()');
    }
    return await verifyPayload(this.#reader, this.#version, options);
  }

  /**
   * Waits for a begin, commit or rollback that is running, then closes. An open atomic update is dropped; an open
   * in-place update leaves the file uncommitted. Closing twice does nothing.
   */
  async close(): Promise<void> {
    await this.#running?.done;
    if (this.#closed) return;
    this.#closed = true;
    this.#windows.close();
    this.#blocks?.close();
    try {
      if (this.#writer !== undefined && this.#draft?.mode === 'atomic' && this.#failure === undefined) {
        dropAtomic(this.#writer, this.#draft);
      }
    } finally {
      this.#draft = undefined;
      this.#reader.close();
      this.#writer?.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #publish(writer: MappedFile, draft: Draft, options: CommitOptions): Promise<Version> {
    const { header, metadata: present } = this.#version;
    const { signal, metadata = present } = options;
    checkAborted(signal);
    // The checksums are computed while the disk writes.
    const flushed = writer.flushAsync();
    flushed.catch(() => {});
    const vgpu = present.get('vgpu');
    const kept = new Map(metadata);
    if (vgpu !== undefined) kept.set('vgpu', vgpu);
    const changed = !draft.copied || draft.touched.indices().length > 0;
    if (changed) kept.delete('cached');
    const next = await draftMetadata(writer, draft, kept, options);
    await flushed;
    checkAborted(signal);
    const descriptor = changed
      ? { ...this.#version.descriptor, payloadUuid: newUuid() }
      : this.#version.descriptor;
    return await publish(writer, this.#version, {
      descriptor,
      payload: draft.payload,
      metadata: next,
      committed: true,
      ...(changed ? {} : { hot: header.slot.hot }),
    });
  }

  /** Goes over to a version, or to a draft on top of it: new windows, and the old views are dead. */
  #use(version: Version, draft: Draft | undefined): void {
    this.#windows.close();
    this.#version = version;
    this.#draft = draft;
    ({ windows: this.#windows, elements: this.#elements, values: this.#values } = this.#access());
  }

  #access(): { windows: Windows; elements: StoredElements | undefined; values: ValueReader } {
    const { descriptor, layout, payload } = this.#version;
    const draft = this.#draft;
    const windows =
      draft !== undefined && this.#writer !== undefined
        ? new Windows(this.#writer, draft.payload)
        : new Windows(this.#reader, payload);
    if (descriptor.structure === 'block') {
      if (this.#blocks === undefined)
        throw new Error('unreachable: a block matrix was opened without its blocks');
      return { windows, elements: undefined, values: this.#blocks.values };
    }
    const elements = new StoredElements(windows, layout, descriptor.dtype);
    const values = structuredReader(descriptor, layout, (position) => elements.read(position));
    return { windows, elements, values };
  }

  #view({ offset, length }: Range): StoredView {
    const { layout, descriptor } = this.#version;
    if (descriptor.structure === 'block') throw storesNothing(descriptor);
    const planes = Array.from({ length: layout.planes }, (_, plane) => {
      const start = plane * layout.planeBytes + offset;
      this.#draft?.touched.mark(start, length);
      return this.#windows.bytes(start, length);
    });
    return storedView(descriptor.dtype, planes);
  }

  /** Runs one begin, commit or rollback at a time. */
  async #exclusively(name: string, action: () => Promise<void>): Promise<void> {
    const { promise, resolve } = settled();
    this.#running = { name, done: promise };
    try {
      await action();
    } catch (error) {
      if (this.#writer?.poisoned === true || isFailure(error)) this.#failure = error;
      throw error;
    } finally {
      this.#running = undefined;
      resolve();
    }
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new ArrayError('ERR_VGPU_ARRAY_CLOSED', `${this.path} is closed`, {
        values: { path: this.path },
      });
  }

  #checkReadable(): void {
    this.#checkOpen();
    const name = this.#running?.name;
    if (name !== undefined && name !== 'begin') throw busy(name);
  }

  #checkDraft(): Draft {
    if (this.#writer === undefined) throw readOnly(this.path);
    if (this.#draft === undefined) {
      throw new ArrayError('ERR_VGPU_ARRAY_NO_DRAFT', 'no update is open', { remedy: 'Call begin() first.' });
    }
    return this.#draft;
  }

  #checkWriter(): MappedFile {
    this.#checkOpen();
    if (this.#running !== undefined) throw busy(this.#running.name);
    if (this.#writer === undefined) throw readOnly(this.path);
    if (this.#failure !== undefined) {
      throw new ArrayError('ERR_VGPU_ARRAY_FAILED', `an update of ${this.path} failed before`, {
        remedy: 'Close the array and open it again: it has either the old version or the new one, whole.',
        cause: this.#failure,
      });
    }
    return this.#writer;
  }

  #checkFaulted(): void {
    this.#windows.check();
    this.#blocks?.check();
  }
}

function settled(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function isFailure(error: unknown): boolean {
  return error instanceof ArrayError && error.code === 'ERR_VGPU_ARRAY_FAILED';
}
