// Reading and changing one payload: that of the published version, or that of a draft.
import { type PlainDescriptor, type Scalar, structuredReader, type ValueReader } from '@vgpu/format';
import type { MappedFile } from '@vgpu/mmap-native';
import { assign } from './assignment.js';
import type { BlockMatrix } from './block-matrix.js';
import { type BlockPlace, rangeOf } from './blocks-plan.js';
import type { Draft } from './draft.js';
import { elementRange } from './element-range.js';
import { abortable } from './errors.js';
import type { Range } from './reading.js';
import { storesNothing } from './refusals.js';
import { StoredElements } from './stored-elements.js';
import { type StoredView, storedView } from './stored-view.js';
import { type Block, type BlocksOptions, streamBlocks } from './streaming.js';
import type { Version } from './version.js';
import { Windows } from './windows.js';

/** Lives until the next begin, commit, rollback or close; its views die with it. */
export class Access {
  readonly values: ValueReader;
  readonly #version: Version;
  readonly #draft: Draft | undefined;
  readonly #windows: Windows;
  readonly #elements: StoredElements | undefined;

  /** `file` is the one that may be written to when there is a draft, else one that is open for reading. */
  constructor(file: MappedFile, version: Version, draft: Draft | undefined, blocks: BlockMatrix | undefined) {
    const { descriptor, layout } = version;
    this.#version = version;
    this.#draft = draft;
    this.#windows = new Windows(file, draft?.payload ?? version.payload);
    if (descriptor.structure === 'block') {
      if (blocks === undefined) throw new Error('unreachable: a block matrix was opened without its blocks');
      this.values = blocks.values;
      return;
    }
    const elements = new StoredElements(this.#windows, layout, descriptor.dtype);
    this.#elements = elements;
    this.values = structuredReader(descriptor, layout, (position) => elements.read(position));
  }

  get(row: number, column: number): Scalar {
    const value = this.values.get(row, column);
    this.check();
    return value;
  }

  set(draft: Draft, row: number, column: number, value: Scalar): void {
    const { layout } = this.#version;
    const { descriptor, elements } = this.#stored();
    const position = assign(descriptor, layout, elements, { row, column }, value);
    this.check();
    if (position < 0) return;
    const offset = Math.floor(position / 8);
    for (let plane = 0; plane < layout.planes; plane++) {
      draft.touched.mark(plane * layout.planeBytes + offset, Math.ceil(layout.bitsPerElement / 8));
    }
  }

  block(place: BlockPlace): StoredView {
    const { layout } = this.#version;
    const { descriptor } = this.#stored();
    const { offset, length } = rangeOf(layout, place);
    return this.#view(descriptor, offset, length);
  }

  all(): StoredView {
    return this.#view(this.#stored().descriptor, 0, this.#version.layout.planeBytes);
  }

  /** Elements that lie one after the other, whatever rows they belong to. */
  elements(first: number, count: number): StoredView {
    const { offset, length } = this.#elementRange(first, count);
    return this.#view(this.#stored().descriptor, offset, length);
  }

  /** Reads elements into memory. */
  async prefetch(first: number, count: number, options: { readonly signal?: AbortSignal }): Promise<void> {
    await this.#eachPlane(this.#elementRange(first, count), (offset, length) =>
      abortable(() => this.#windows.file.prefetchAsync(offset, length, options)),
    );
  }

  /** Writes back what was changed so far. */
  async flush(): Promise<void> {
    const { offset, length } = this.#payload;
    if (length > 0) await this.#windows.file.flushAsync(offset, length);
  }

  /** `check` throws when the array has moved on. */
  stream(options: BlocksOptions, check: () => void): AsyncGenerator<Block> {
    const draft = this.#draft;
    const source = {
      windows: this.#windows,
      payload: this.#payload,
      layout: this.#version.layout,
      dtype: this.#stored().descriptor.dtype,
      check: () => {
        check();
        this.check();
      },
      touch: (offset: number, length: number) => draft?.touched.mark(offset, length),
    };
    return streamBlocks(source, options);
  }

  async discard(): Promise<void> {
    const { offset, length } = this.#payload;
    if (length > 0) await this.#windows.file.discardAsync(offset, length);
  }

  /** The same for the memory of some elements. */
  async discardElements(first: number, count: number): Promise<void> {
    await this.#eachPlane(this.#elementRange(first, count), (offset, length) =>
      this.#windows.file.discardAsync(offset, length),
    );
  }

  /** @throws MmapError ERR_VGPU_MMAP_FAULTED */
  check(): void {
    this.#windows.check();
  }

  close(): void {
    this.#windows.close();
  }

  get #payload(): Range {
    return this.#draft?.payload ?? this.#version.payload;
  }

  /** In each plane. @throws ArrayError ERR_VGPU_ARRAY_STRUCTURE, ERR_VGPU_ARRAY_RANGE */
  #elementRange(first: number, count: number): Range {
    return elementRange(this.#stored().descriptor, this.#version.layout, first, count);
  }

  /** `action` takes a range of the file. */
  async #eachPlane(
    { offset, length }: Range,
    action: (offset: number, length: number) => Promise<void>,
  ): Promise<void> {
    if (length === 0) return;
    const { planes, planeBytes } = this.#version.layout;
    const start = this.#payload.offset + offset;
    await Promise.all(
      Array.from({ length: planes }, (_, plane) => action(start + plane * planeBytes, length)),
    ).catch((error: unknown) => {
      throw this.#windows.explained(error);
    });
  }

  #view(descriptor: PlainDescriptor, offset: number, length: number): StoredView {
    const { layout } = this.#version;
    const planes = Array.from({ length: layout.planes }, (_, plane) => {
      const start = plane * layout.planeBytes + offset;
      this.#draft?.touched.mark(start, length);
      return this.#windows.bytes(start, length);
    });
    this.check();
    return storedView(descriptor.dtype, planes);
  }

  #stored(): { descriptor: PlainDescriptor; elements: StoredElements } {
    const { descriptor } = this.#version;
    if (descriptor.structure === 'block' || this.#elements === undefined) throw storesNothing(descriptor);
    return { descriptor, elements: this.#elements };
  }
}
