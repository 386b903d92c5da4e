// Arrays on disk, as operations see them: a window here, a window there.
import { type ElementType, elementTypeOf, type NumericArray } from '../arrays.js';
import { argumentError, CapacityError, ComputeError } from '../errors.js';

/** What operations need of an array on disk. `PersistentArray` of @vgpu/array has it. */
export interface StoredArray {
  readonly path: string;
  /** Changes with every version of the array. */
  readonly generation: bigint;
  readonly descriptor: {
    readonly structure: string;
    /** Not there for a matrix of blocks. */
    readonly dtype?: string | undefined;
    /** As stored, before any view. */
    readonly rows: number;
    readonly columns: number;
    readonly payloadUuid: string;
    readonly view: {
      readonly transposed: boolean;
      readonly conjugated: boolean;
      readonly scalar: { readonly re: number; readonly im: number };
    };
  };
  /** `count` stored elements from `first` on, without copying. */
  elements(first: number, count: number): unknown;
  /** Reads them from disk. */
  prefetch(first: number, count: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Gives their memory back. */
  discard(first: number, count: number): Promise<void>;
}

/** An array on disk that can be written to, opened for updates. */
export interface StoredOutput extends StoredArray {
  readonly update: 'atomic' | 'in-place' | undefined;
  readonly updating: boolean;
  /** False where an update in place was interrupted. */
  readonly committed: boolean;
  begin(options?: { readonly copy?: boolean }): Promise<void>;
  /** Makes what was written durable, without publishing it. */
  flush(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** Where the order of the elements matters, and where it does not. */
export type Order = 'in-order' | 'any-order';

/** What an array on disk may hold. f16 is for storage: all that can be done with it is `cast`. */
export type StoredType = ElementType | 'f16';

/** Elements in memory: those of f16 are their bits. */
export type WindowOf<Type extends StoredType> = Type extends 'f16' ? Uint16Array : NumericArray;

const withElements = ['dense', 'vector'];
const computable = ['f32', 'f64', 'i32', 'u32', 'i64', 'u64'] as const satisfies ElementType[];
/** By what operations take. */
const types: Readonly<Record<'numbers' | 'with-f16', readonly string[]>> = {
  numbers: computable,
  'with-f16': [...computable, 'f16'],
};

/** An array that was looked at: its elements are numbers of one type, one after the other. */
export class Elements<Type extends StoredType = ElementType> {
  readonly array: StoredArray;
  readonly name: string;
  readonly type: Type;
  /** How many. */
  readonly count: number;
  readonly bytesPerElement: number;

  /**
   * `taken` goes with `Type`.
   *
   * @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT for arrays that are stored otherwise, or seen through a view
   */
  constructor(
    array: StoredArray,
    name: string,
    order: Order = 'in-order',
    taken: keyof typeof types = 'numbers',
  ) {
    const { structure, dtype, rows, columns, view } = array.descriptor;
    if (!withElements.includes(structure) || dtype === undefined || !types[taken].includes(dtype)) {
      const what = `${structure} array of ${dtype ?? 'blocks'}`;
      throw new ComputeError('ERR_VGPU_COMPUTE_ARGUMENT', `${name} is a ${what}`, {
        values: { array: name, structure, dtype: dtype ?? 'none' },
        remedy:
          'Convert it to a dense matrix or vector of f32, f64, i32, u32, i64 or u64: vgpu file convert, or cast for f16.',
      });
    }
    const plain = !view.conjugated && view.scalar.re === 1 && view.scalar.im === 0;
    if (!plain || (view.transposed && order === 'in-order' && structure !== 'vector')) {
      throw new ComputeError('ERR_VGPU_COMPUTE_ARGUMENT', `${name} is seen through a view`, {
        values: { array: name, transposed: String(view.transposed) },
        remedy: 'Write the view out first: vgpu file convert.',
      });
    }
    this.array = array;
    this.name = name;
    this.type = dtype as Type;
    this.count = rows * columns;
    this.bytesPerElement = Number(this.type.slice(1)) / 8;
  }

  get rows(): number {
    return this.array.descriptor.rows;
  }

  get columns(): number {
    return this.array.descriptor.columns;
  }

  /** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT, CapacityError where the array holds something else than it says */
  window(first: number, count: number): WindowOf<Type> {
    const view = this.array.elements(first, count) as NumericArray | Uint16Array;
    const type = view instanceof Uint16Array ? 'f16' : elementTypeOf(view, this.name);
    if (type !== this.type) throw argumentError(`${this.name} is not of ${this.type}`);
    if (view.length !== count) throw new CapacityError(this.name, count, view.length);
    return view as WindowOf<Type>;
  }
}

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT unless all have the first one's type and number of elements */
export function checkAlike(first: Elements, ...others: readonly Elements[]): void {
  for (const { name, type, count } of others) {
    if (type === first.type && count === first.count) continue;
    throw argumentError(
      `${name} has ${count} elements of ${type}, and ${first.name} ${first.count} of ${first.type}`,
      { array: name, count, type },
    );
  }
}

/** @throws ComputeError ERR_VGPU_COMPUTE_OVERLAP where an output's file is another array's, too */
export function checkApart(
  outputs: readonly Elements<StoredType>[],
  inputs: readonly Elements<StoredType>[],
): void {
  for (const [index, output] of outputs.entries()) {
    for (const other of [...inputs, ...outputs.slice(index + 1)]) {
      if (other.array.path !== output.array.path) continue;
      throw new ComputeError('ERR_VGPU_COMPUTE_OVERLAP', `${output.name} is the same file as ${other.name}`, {
        values: { output: output.name, array: other.name, path: output.array.path },
        remedy: 'Write to a file of its own.',
      });
    }
  }
}
