// Random arrays and random histories against a model in memory.
import { join } from 'node:path';
import { type Dtype, dtypes, type Scalar } from '@vgpu/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NewArray, PersistentArray, type UpdateMode } from '../src/index.js';
import { allValues, temporaryDirectory } from './support.js';

/** Stored values by place, and the rules of the structure, written down once more. */
class Model {
  readonly #array: NewArray;
  #stored = new Map<string, Scalar>();

  constructor(array: NewArray, stored?: ReadonlyMap<string, Scalar>) {
    this.#array = array;
    this.#stored = new Map(stored);
  }

  copy(): Model {
    return new Model(this.#array, this.#stored);
  }

  clear(): void {
    this.#stored.clear();
  }

  /** The value of a stored place, before any view. */
  set(row: number, column: number, value: Scalar): void {
    this.#stored.set(`${row},${column}`, value);
  }

  get(row: number, column: number): Scalar {
    const { view } = this.#array;
    const [r, c] = view?.transposed ? [column, row] : [row, column];
    const value = this.#structured(r, c);
    return view?.conjugated && typeof value === 'object' ? { re: value.re, im: -value.im } : value;
  }

  #structured(row: number, column: number): Scalar {
    switch (this.#array.structure) {
      case 'symmetric':
        return this.#at(Math.min(row, column), Math.max(row, column));
      case 'antisymmetric':
        return row > column ? this.#negative(this.#at(column, row)) : this.#at(row, column);
      default:
        return this.#at(row, column);
    }
  }

  #at(row: number, column: number): Scalar {
    return this.#stored.get(`${row},${column}`) ?? zero(dtypeOf(this.#array));
  }

  #negative(value: Scalar): Scalar {
    if (typeof value === 'object') return { re: -value.re, im: -value.im };
    if (typeof value === 'bigint') return -value;
    return dtypeOf(this.#array).startsWith('f') ? -value : 0 - value;
  }
}

function dtypeOf(array: NewArray): Dtype {
  return 'dtype' in array ? array.dtype : 'f64';
}

function zero(dtype: Dtype): Scalar {
  if (dtype.startsWith('cf')) return { re: 0, im: 0 };
  return dtype === 'i64' || dtype === 'u64' ? 0n : 0;
}

/** Values that every rounding leaves as they are. */
function scalars(dtype: Dtype): fc.Arbitrary<Scalar> {
  const half = fc.integer({ min: -2000, max: 2000 }).map((value) => value / 2);
  if (dtype === 'bit') return fc.integer({ min: 0, max: 1 });
  if (dtype.startsWith('cf')) return fc.record({ re: half, im: half });
  if (dtype.startsWith('f')) return half;
  const bits = BigInt(dtype.slice(1));
  const [min, max] = dtype.startsWith('i')
    ? [1n - 2n ** (bits - 1n), 2n ** (bits - 1n) - 1n]
    : [0n, 2n ** bits - 1n];
  const integers = fc.bigInt({ min, max });
  return bits === 64n ? integers : integers.map(Number);
}

const size = fc.integer({ min: 1, max: 70 });
const view = fc.record({ transposed: fc.boolean(), conjugated: fc.boolean() });

const arrays: fc.Arbitrary<NewArray> = fc
  .record({ dtype: fc.constantFrom(...dtypes), rows: size, columns: size, view, diagonal: fc.boolean() })
  .chain(({ dtype, rows, columns, view: seen, diagonal }): fc.Arbitrary<NewArray> => {
    const common = { dtype, rows, view: seen };
    const signed = !/^(bit|u)/.test(dtype);
    return fc.constantFrom<NewArray>(
      { structure: 'dense', ...common, columns },
      { structure: 'vector', ...common, columns: 1 },
      { structure: 'triangular', diagonal, ...common, columns: rows },
      { structure: 'symmetric', ...common, columns: rows },
      { structure: 'diagonal', ...common, columns: rows },
      ...(signed ? [{ structure: 'antisymmetric', ...common, columns: rows } as const] : []),
    );
  });

/** A stored place that (row, column), before any view, is or follows from; none when it follows from the structure. */
function storedPlace(array: NewArray, row: number, column: number): [number, number] | undefined {
  switch (array.structure) {
    case 'symmetric':
    case 'antisymmetric':
      return [Math.min(row, column), Math.max(row, column)];
    case 'diagonal':
      return [row, row];
    case 'triangular': {
      const [first, second] = [Math.min(row, column), Math.max(row, column)];
      return first === second && !array.diagonal ? undefined : [first, second];
    }
    default:
      return [row, column];
  }
}

type Step =
  | { readonly do: 'begin'; readonly copy: boolean }
  | { readonly do: 'set'; readonly row: number; readonly column: number; readonly value: Scalar }
  | { readonly do: 'commit' | 'rollback' | 'check' }
  | { readonly do: 'reopen'; readonly update: UpdateMode };

function steps(array: NewArray): fc.Arbitrary<Step[]> {
  const step = fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant('begin' as const), copy: fc.boolean() }) },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('set' as const),
        row: fc.nat(array.rows - 1),
        column: fc.nat(array.columns - 1),
        value: scalars(dtypeOf(array)),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('commit' as const, 'rollback' as const, 'check' as const) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('reopen' as const),
        update: fc.constantFrom<UpdateMode>('atomic', 'in-place'),
      }),
    },
  );
  return fc.array(step, { maxLength: 25 });
}

/** Runs a history; steps that make no sense where they come are left out. */
class History {
  readonly #input: NewArray;
  #array: PersistentArray;
  #published: Model;
  #draft: Model | undefined;

  constructor(input: NewArray, array: PersistentArray) {
    this.#input = input;
    this.#array = array;
    this.#published = new Model(input);
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'begin':
        if (this.#draft === undefined) await this.#begin(step.copy);
        break;
      case 'set':
        this.#set(step);
        break;
      case 'commit':
        if (this.#draft === undefined) break;
        await this.#array.commit();
        this.#published = this.#draft;
        this.#draft = undefined;
        break;
      case 'rollback':
        if (this.#draft === undefined || this.#array.update === 'in-place') break;
        await this.#array.rollback();
        this.#draft = undefined;
        break;
      case 'reopen':
        await this.#reopen(step.update);
        break;
      case 'check':
        this.check();
    }
  }

  check(): void {
    const model = this.#draft ?? this.#published;
    const { rows, columns } = this.#array;
    expect(allValues(this.#array)).toEqual(
      allValues({ rows, columns, get: (row, column) => model.get(row, column) }),
    );
  }

  async end(): Promise<void> {
    await this.#reopen('atomic');
    expect((await this.#array.verify()).error).toBeUndefined();
    expect(this.#array.warnings).toEqual([]);
    await this.#array.close();
  }

  async #begin(copy: boolean): Promise<void> {
    const copies = copy || this.#array.update === 'in-place';
    await this.#array.begin(copies ? {} : { copy: false });
    this.#draft = this.#published.copy();
    if (!copies) this.#draft.clear();
  }

  #set({ row, column, value }: Extract<Step, { do: 'set' }>): void {
    const place = storedPlace(this.#input, row, column);
    if (this.#draft === undefined || place === undefined) return;
    const seen = this.#input.view?.transposed ? ([place[1], place[0]] as const) : place;
    this.#array.set(seen[0], seen[1], value);
    const conjugated = this.#input.view?.conjugated === true && typeof value === 'object';
    this.#draft.set(place[0], place[1], conjugated ? { re: value.re, im: -value.im } : value);
  }

  async #reopen(update: UpdateMode): Promise<void> {
    const dirty = this.#draft !== undefined && this.#array.update === 'in-place';
    await this.#array.close();
    if (dirty) {
      // What an in-place update wrote stays; accepting it is another update.
      this.#array = await PersistentArray.open(this.#array.path, {
        update: 'in-place',
        allowUncommitted: true,
      });
      await this.#array.begin();
      await this.#array.commit();
      await this.#array.close();
      this.#published = this.#draft ?? this.#published;
    }
    this.#draft = undefined;
    this.#array = await PersistentArray.open(this.#array.path, { update });
    this.check();
  }
}

test('an array is what its history made of it', async () => {
  const directory = temporaryDirectory();
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      arrays.chain((array) => fc.tuple(fc.constant(array), steps(array))),
      fc.constantFrom<UpdateMode>('atomic', 'in-place'),
      async ([input, history], update) => {
        const array = await PersistentArray.create(join(directory, `${count++}`), input, { update });
        const run = new History(input, array);
        for (const step of history) await run.run(step);
        run.check();
        await run.end();
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);
