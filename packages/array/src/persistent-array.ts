// An array in a file: open it, look at it, change it as a whole.
import type {
  ArrayDescriptor,
  FormatWarning,
  MetadataMap,
  PayloadLayout,
  Scalar,
  ValueReader,
} from '@vgpu/format';
import type { MappedFile } from '@vgpu/mmap-native';
import { Access } from './access.js';
import type { CreateOptions, NewArray, OpenOptions, UpdateMode } from './array-options.js';
import { BlockMatrix } from './block-matrix.js';
import { wholeRows } from './blocks-plan.js';
import { type CommitOptions, commitDraft } from './commit.js';
import { type BeginOptions, beginAtomic, beginInPlace, type Draft, dropAtomic } from './draft.js';
import { ArrayError, checkIndex } from './errors.js';
import { Exclusive } from './exclusive.js';
import { writeNewArray } from './new-array.js';
import { openFiles } from './open-files.js';
import type { LongOptions } from './options.js';
import { changed, readOnly, storesNothing } from './refusals.js';
import type { StoredView } from './stored-view.js';
import type { Block, BlocksOptions } from './streaming.js';
import { type VerifyReport, verifyPayload } from './verify.js';
import type { Version } from './version.js';

/**
 * A typed array in a `.pycauset` file, of any size.
 *
 * Rows, columns and values are logical: structure and view are applied. Only `row`, `block`, `values` and `blocks`
 * give stored elements, without copying. Their views are dead (length 0) after begin, commit, rollback and close;
 * outside an update, writing to one changes this process's memory at most, never the file.
 *
 * Readers share a file, a writer has it alone: opening a file that is in use otherwise throws ERR_VGPU_MMAP_LOCKED at
 * once. One instance belongs to one thread. A file that another program cuts off while it is open gives
 * ERR_VGPU_MMAP_FAULTED; a view of it reads as zeros from then on, and the next call throws.
 */
export class PersistentArray implements AsyncDisposable {
  readonly path: string;
  readonly #reader: MappedFile;
  readonly #writer: MappedFile | undefined;
  readonly #update: UpdateMode | undefined;
  readonly #blocks: BlockMatrix | undefined;
  #version: Version;
  #draft: Draft | undefined;
  #access: Access;
  readonly #exclusive = new Exclusive();
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
    this.#access = this.#newAccess();
  }

  /**
   * Writes a new file, whole or not at all, and opens it for updating. O(payload) unless it is zero and not reserved.
   * @throws ArrayError ERR_VGPU_ARRAY_EXISTS, _STRUCTURE, _ABORTED
   * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT for a descriptor or a value that cannot be
   * @throws MmapError ERR_VGPU_MMAP_NO_SPACE, _ACCESS, _LOCKED (somebody has the file open that would be replaced)
   */
  static async create(path: string, array: NewArray, options: CreateOptions = {}): Promise<PersistentArray> {
    const { update = 'atomic' } = options;
    await writeNewArray(path, array, options);
    return await PersistentArray.open(path, { update });
  }

  /**
   * Opens a file in constant time: only header and metadata are read.
   * @throws FormatError and its kinds for a file that is damaged, uncommitted, or no array
   * @throws MmapError ERR_VGPU_MMAP_NOT_FOUND, _ACCESS, _LOCKED
   */
  static async open(path: string, options: OpenOptions = {}): Promise<PersistentArray> {
    const { reader, writer, version } = await openFiles(path, options);
    try {
      const { descriptor } = version;
      const blocks = descriptor.structure === 'block' ? await BlockMatrix.open(path, descriptor) : undefined;
      return new PersistentArray({ path, reader, writer, update: options.update, version, blocks });
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
    return this.#access.values.rows;
  }

  /** Of the values, view applied. */
  get columns(): number {
    return this.#access.values.columns;
  }

  /** Of the values: the stored dtype unless the view multiplies, which makes it f64 or cf64. */
  get dtype(): ValueReader['dtype'] {
    return this.#access.values.dtype;
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
    checkIndex('row', row, this.#access.values.rows);
    checkIndex('column', column, this.#access.values.columns);
    return this.#access.get(row, column);
  }

  /**
   * Changes the value at a place, and its mirror in a symmetric matrix. O(1).
   * @throws ArrayError ERR_VGPU_ARRAY_RANGE, _READ_ONLY, _NO_DRAFT, _BUSY, _CLOSED, _STRUCTURE
   * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT for a value that the dtype cannot hold
   */
  set(row: number, column: number, value: Scalar): void {
    this.#checkReadable();
    const draft = this.#checkDraft();
    checkIndex('row', row, this.#access.values.rows);
    checkIndex('column', column, this.#access.values.columns);
    this.#access.set(draft, row, column, value);
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
    return this.#access.block(wholeRows(layout, firstRow, rowCount));
  }

  /**
   * All stored elements.
   * @throws ArrayError ERR_VGPU_ARRAY_TOO_LARGE_VIEW above 4 GiB, and as block() does
   */
  values(): StoredView {
    this.#checkReadable();
    const { layout, descriptor } = this.#version;
    if (layout.storedRows === 0 && descriptor.rows > 0) throw storesNothing(descriptor);
    return this.#access.all();
  }

  /**
   * The stored elements, block by block, in memory that does not grow with the array. A block's view is dead once the
   * next one is asked for. During an update the views are writable and count as changed.
   * @throws ArrayError ERR_VGPU_ARRAY_CHANGED when the array was updated or closed meanwhile; _STRUCTURE, _ABORTED
   */
  blocks(options: BlocksOptions = {}): AsyncGenerator<Block> {
    this.#checkReadable();
    const access = this.#access;
    return access.stream(options, () => {
      if (this.#access === access && !this.#closed) return;
      throw changed(this.path, 'the iteration');
    });
  }

  /**
   * `count` stored elements from `first` on, across rows: of vectors, diagonals and dense matrices, but not of bits,
   * whose rows are padded. No copy, O(1). During an update the view is writable and counts as changed.
   * @throws ArrayError ERR_VGPU_ARRAY_RANGE, _STRUCTURE, _TOO_LARGE_VIEW, _CLOSED, _BUSY
   */
  elements(first: number, count: number): StoredView {
    this.#checkReadable();
    return this.#access.elements(first, count);
  }

  /**
   * Resolves when elements, numbered as for elements(), have been read from disk into memory.
   * @throws ArrayError ERR_VGPU_ARRAY_RANGE, _STRUCTURE, _ABORTED, _CLOSED, _BUSY
   */
  async prefetch(
    first: number,
    count: number,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#checkReadable();
    await this.#access.prefetch(first, count, options);
  }

  /**
   * Gives the memory of the array's pages back, or of `count` elements from `first` on; the data stay. For who reads
   * much of a large array with get() or elements().
   * @throws ArrayError ERR_VGPU_ARRAY_RANGE, _STRUCTURE, _CLOSED, _BUSY
   */
  async discard(first?: number, count?: number): Promise<void> {
    this.#checkReadable();
    if (first === undefined || count === undefined) await this.#access.discard();
    else await this.#access.discardElements(first, count);
  }

  /**
   * What the update has written so far survives a power cut once this returns. It publishes nothing: after a crash an
   * update in place can be taken up again (`allowUncommitted`), an atomic one is gone.
   * @throws ArrayError ERR_VGPU_ARRAY_NO_DRAFT, _READ_ONLY, _CLOSED, _BUSY
   * @throws MmapError _POISONED, _FAULTED
   */
  async flush(): Promise<void> {
    this.#checkReadable();
    this.#checkDraft();
    await this.#access.flush();
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
   * @throws ArrayError ERR_VGPU_ARRAY_NO_DRAFT, _ABORTED, _FAILED (see there), _CHANGED when the path names another file
   * @throws MmapError ERR_VGPU_MMAP_NO_SPACE, _POISONED or _IO when the disk refuses; _FAULTED when a hole that was
   * written to found no room
   */
  async commit(options: CommitOptions = {}): Promise<void> {
    const writer = this.#checkWriter();
    const draft = this.#checkDraft();
    // Zeros may have taken the place of what was written to a view.
    this.#access.check();
    await this.#exclusively('commit', async () => {
      this.#access.close();
      try {
        const version = await commitDraft(writer, this.#version, draft, options);
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
      this.#access.close();
      this.#use(this.#version, undefined);
      await dropAtomic(writer, draft);
    });
  }

  /**
   * Reads the whole published payload and compares it with its checksum. Damage is in the report, not thrown.
   * @throws ArrayError ERR_VGPU_ARRAY_DRAFT_OPEN during an in-place update; _CHANGED, _ABORTED
   */
  async verify(options: LongOptions = {}): Promise<VerifyReport> {
    this.#checkReadable();
    if (this.#draft?.mode === 'in-place') {
      throw new ArrayError('ERR_VGPU_ARRAY_DRAFT_OPEN', 'there is nothing to verify before commit()');
    }
    const version = this.#version;
    const report = await verifyPayload(this.#reader, version, options);
    // The old payload's space was freed, or is being overwritten.
    if (this.#version !== version) throw changed(this.path, 'the verification');
    return report;
  }

  /**
   * Waits for a begin, commit or rollback that is running, then closes. An open atomic update is dropped; an open
   * in-place update leaves the file uncommitted. Closing twice does nothing.
   * @throws MmapError when the space of a dropped update could not be given back; the array is closed all the same
   */
  async close(): Promise<void> {
    await this.#exclusive.done;
    if (this.#closed) return;
    this.#closed = true;
    this.#access.close();
    this.#blocks?.close();
    try {
      // A file that was cut off has nothing to give back, and closing must not fail for it.
      const usable = this.#writer?.faulted === false && !this.#writer.poisoned && !this.#exclusive.failed;
      if (this.#writer !== undefined && this.#draft?.mode === 'atomic' && usable) {
        await dropAtomic(this.#writer, this.#draft);
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

  /** Goes over to a version, or to a draft on top of it: new windows, and the old views are dead. */
  #use(version: Version, draft: Draft | undefined): void {
    this.#access.close();
    this.#version = version;
    this.#draft = draft;
    this.#access = this.#newAccess();
  }

  #newAccess(): Access {
    const file = this.#draft === undefined ? this.#reader : (this.#writer ?? this.#reader);
    return new Access(file, this.#version, this.#draft, this.#blocks);
  }

  async #exclusively(name: string, action: () => Promise<void>): Promise<void> {
    await this.#exclusive.run(name, action, (error) => this.#writer?.poisoned === true || isFailure(error));
  }

  #checkOpen(): void {
    if (this.#closed)
      throw new ArrayError('ERR_VGPU_ARRAY_CLOSED', `${this.path} is closed`, {
        values: { path: this.path },
      });
  }

  #checkReadable(): void {
    this.#checkOpen();
    // begin() changes nothing that is published until it ends.
    this.#exclusive.checkIdle('begin');
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
    this.#exclusive.checkIdle();
    if (this.#writer === undefined) throw readOnly(this.path);
    this.#exclusive.checkUsable(this.path);
    return this.#writer;
  }
}

function isFailure(error: unknown): boolean {
  return error instanceof ArrayError && error.code === 'ERR_VGPU_ARRAY_FAILED';
}
