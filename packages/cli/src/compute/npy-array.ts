// A .npy file as operations see arrays: windows of its data, without a copy.
import { endianness } from 'node:os';
import { statSync } from 'node:fs';
import { decodeNpyHeader, type NpyHeader, npyDataBytes } from '@vgpu/format';
import type { StoredArray, StoredOutput } from '@vgpu/cuda-native/stored';
import { MappedFile, type MappedWindow } from '@vgpu/mmap-native';
import { CliError } from '../errors.js';

const classes = new Map<
  string,
  | Float64ArrayConstructor
  | Float32ArrayConstructor
  | Int32ArrayConstructor
  | Uint32ArrayConstructor
  | BigInt64ArrayConstructor
  | BigUint64ArrayConstructor
  | Uint16ArrayConstructor
>([
  // Its bits.
  ['f16', Uint16Array],
  ['f32', Float32Array],
  ['f64', Float64Array],
  ['i32', Int32Array],
  ['u32', Uint32Array],
  ['i64', BigInt64Array],
  ['u64', BigUint64Array],
]);

/** Longer headers are refused by the decoder. */
const mostHeaderBytes = 12 + 0xffff;

/** What a file of numbers says about itself. */
export type NpyShape = Pick<NpyHeader, 'dtype' | 'shape' | 'dataOffset'> & {
  readonly fortranOrder?: boolean;
};

/** Reads, and with `writable` writes: the file is one of ours then, which nobody else knows yet. */
export class NpyArray implements StoredOutput {
  readonly path: string;
  readonly generation = 0n;
  readonly committed = true;
  readonly update: 'atomic' | undefined;
  readonly descriptor: StoredArray['descriptor'];
  /** As NumPy has it. Of three dimensions the first is how many matrices there are, which are one below another here. */
  readonly shape: readonly number[];
  updating = false;
  readonly #file: MappedFile;
  readonly #header: NpyShape;
  /** Open windows, and where they lie. */
  readonly #windows = new Map<MappedWindow, { readonly first: number; readonly end: number }>();

  /** `identity` changes with the contents. `path` is the one that people know. */
  constructor(
    file: MappedFile,
    header: NpyShape,
    { path, identity, writable }: { path: string; identity: string; writable: boolean },
  ) {
    this.path = path;
    this.#file = file;
    this.#header = header;
    this.update = writable ? 'atomic' : undefined;
    this.shape = header.shape;
    const [first = 1, second, third] = header.shape;
    const [rows, columns] = third === undefined ? [first, second] : [first * (second ?? 1), third];
    this.descriptor = {
      structure: columns === undefined ? 'vector' : 'dense',
      dtype: header.dtype,
      // Column-major files are stored transposed.
      rows: header.fortranOrder === true ? (columns ?? 1) : rows,
      columns: header.fortranOrder === true && columns !== undefined ? rows : (columns ?? 1),
      payloadUuid: identity,
      view: {
        transposed: header.fortranOrder === true && columns !== undefined,
        conjugated: false,
        scalar: { re: 1, im: 0 },
      },
    };
  }

  /**
   * `dimensions`: how many it may have.
   *
   * @throws CliError for a file that must be imported first, FormatError for one that is damaged
   */
  static async open(path: string, dimensions: 2 | 3): Promise<NpyArray> {
    const file = await MappedFile.openAsync(path, { access: 'read', lock: 'none' });
    try {
      const start = new Uint8Array(Math.min(file.size, mostHeaderBytes));
      await file.readAsync(0, start);
      const header = decodeNpyHeader(start);
      check(path, header, file.size, dimensions);
      const { ino, size, mtimeMs } = statSync(path);
      return new NpyArray(file, header, { path, identity: `npy ${ino} ${size} ${mtimeMs}`, writable: false });
    } catch (error) {
      file.close();
      throw error;
    }
  }

  elements(first: number, count: number) {
    const Class = classes.get(this.#header.dtype);
    if (Class === undefined) throw new Error(`unreachable: elements of ${this.#header.dtype}`);
    if (count === 0) return new Class(0);
    const { offset, length } = this.#range(first, count);
    const window = this.#file.window(offset, length);
    this.#windows.set(window, { first, end: first + count });
    const { buffer, byteOffset } = window.bytes;
    return new Class(buffer as ArrayBuffer, byteOffset, count);
  }

  async prefetch(
    first: number,
    count: number,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { offset, length } = this.#range(first, count);
    if (length > 0) await this.#file.prefetchAsync(offset, length, options);
  }

  async discard(first: number, count: number): Promise<void> {
    const { offset, length } = this.#range(first, count);
    if (length > 0) await this.#file.discardAsync(offset, length);
    for (const [window, range] of this.#windows) {
      if (range.first < first || range.end > first + count) continue;
      this.#windows.delete(window);
      window.close();
    }
  }

  async begin(): Promise<void> {
    this.updating = true;
  }

  async flush(): Promise<void> {
    await this.#file.flushAsync();
  }

  /** The file gets its name later. */
  async commit(): Promise<void> {
    this.updating = false;
  }

  /** The file never gets its name. */
  async rollback(): Promise<void> {
    this.updating = false;
  }

  async close(): Promise<void> {
    this.#file.close();
  }

  #range(first: number, count: number): { offset: number; length: number } {
    const bytes = npyDataBytes(this.#header.dtype, [1]);
    return { offset: this.#header.dataOffset + first * bytes, length: count * bytes };
  }
}

function check(path: string, header: NpyHeader, fileBytes: number, dimensions: 2 | 3): void {
  const { dtype, shape, littleEndian, fortranOrder, dataOffset } = header;
  const bytes = npyDataBytes(dtype, shape);
  if (dataOffset + bytes > fileBytes) {
    throw new CliError('ERR_VGPU_BAD_INPUT', `the data of ${path} are cut off`, {
      remedy: `it should have ${dataOffset + bytes} bytes, and has ${fileBytes}`,
    });
  }
  const remedy = 'convert it: vgpu file import, then vgpu file convert --dtype';
  if (!classes.has(dtype)) {
    throw new CliError(
      'ERR_VGPU_BAD_INPUT',
      `${path} holds ${dtype}, not f16, f32, f64, i32, u32, i64 or u64`,
      {
        remedy,
      },
    );
  }
  const isOdd = dataOffset % npyDataBytes(dtype, [1]) !== 0;
  if (!littleEndian || endianness() !== 'LE' || isOdd) {
    throw new CliError('ERR_VGPU_BAD_INPUT', `the data of ${path} do not lie as this machine needs them`, {
      remedy: 'convert it: vgpu file import',
    });
  }
  if (shape.length < 1 || shape.length > dimensions) {
    const taken = dimensions === 2 ? 'one or two' : 'one to three';
    throw new CliError('ERR_VGPU_BAD_INPUT', `${path} has ${shape.length} dimensions, not ${taken}`, {
      remedy: 'reshape the array in NumPy first',
    });
  }
  if (shape.length === 3 && fortranOrder) {
    throw new CliError('ERR_VGPU_BAD_INPUT', `the first of the three dimensions of ${path} varies fastest`, {
      remedy: 'write it in the other order: numpy.ascontiguousarray',
    });
  }
}
