// Element by element, into another array on disk.
import type { NumericArray } from '../arrays.js';
import { argumentError } from '../errors.js';
import type { ComputeResult } from '../runner.js';
import { checkScalar } from '../scalars.js';
import type { ComputeSession } from '../session.js';
import { Output, writing } from './output.js';
import { Run, type StoredOptions, type StoredResult } from './run.js';
import {
  checkAlike,
  Elements,
  type StoredArray,
  type StoredOutput,
  type StoredType,
  type WindowOf,
} from './stored-array.js';
import { bytesPerRow, pieceSize, piecesOf, stream } from './stream.js';

type Written = Promise<StoredResult<StoredOutput>>;
type Binary = (
  session: ComputeSession,
  x: StoredArray,
  y: StoredArray,
  out: StoredOutput,
  options?: StoredOptions,
) => Written;
type Window = WindowOf<StoredType>;
type Call<In extends Window, Out extends Window> = (
  windows: readonly In[],
  out: Out,
) => Promise<ComputeResult<unknown>>;

/** As `session.add`. */
export const add: Binary = binary('add');

/** As `session.sub`. */
export const sub: Binary = binary('sub');

/** As `session.mul`. */
export const mul: Binary = binary('mul');

/** As `session.div`. */
export const div: Binary = binary('div');

/** As `session.scale`. The factor is a bigint for 64-bit integers. */
export async function scale(
  session: ComputeSession,
  x: StoredArray,
  factor: number | bigint,
  out: StoredOutput,
  options: StoredOptions = {},
): Written {
  const input = new Elements(x, 'x');
  checkScalar(factor, input.type, 'factor');
  return each(
    'scale',
    session,
    [input],
    out,
    options,
    (run) =>
      ([window], target) =>
        session.scale(window as Float64Array, factor as number, {
          ...run.options,
          out: target as Float64Array,
        }),
  );
}

/** As `session.axpy`: alpha × x + y. */
export async function axpy(
  session: ComputeSession,
  alpha: number | bigint,
  x: StoredArray,
  y: StoredArray,
  out: StoredOutput,
  options: StoredOptions = {},
): Written {
  const inputs = [new Elements(x, 'x'), new Elements(y, 'y')] as const;
  checkAlike(...inputs);
  checkScalar(alpha, inputs[0].type, 'alpha');
  return each(
    'axpy',
    session,
    inputs,
    out,
    options,
    (run) =>
      ([a, b], target) =>
        session.axpy(alpha as number, a as Float64Array, b as Float64Array, {
          ...run.options,
          out: target as Float64Array,
        }),
  );
}

/** As `session.cast`, to the type of `out`; from and to f16, too. */
export async function cast(
  session: ComputeSession,
  x: StoredArray,
  out: StoredOutput,
  options: StoredOptions = {},
): Written {
  const input = new Elements<StoredType>(x, 'x', 'in-order', 'with-f16');
  const output = new Output<StoredType>(out, 'out', 'with-f16');
  const { type, count } = output;
  if (input.count !== count) throw argumentError(`out has ${count} elements, and x ${input.count}`);
  if (type === 'f16' && input.type === 'f16') throw argumentError('x and out are both of f16');
  return through<Window, Window>(
    { operation: 'cast', session, inputs: [input], output },
    options,
    (run) =>
      ([window], target) =>
        type === 'f16'
          ? session.cast(window as NumericArray, type, { ...run.options, out: target as Uint16Array })
          : session.cast(window as Window, type, { ...run.options, out: target as Float64Array }),
  );
}

/** Sets all elements. */
export async function fill(
  session: ComputeSession,
  out: StoredOutput,
  value: number | bigint,
  options: StoredOptions = {},
): Written {
  checkScalar(value, new Output(out, 'out').type, 'value');
  return each(
    'fill',
    session,
    [],
    out,
    options,
    (run) => (_, target) => session.fill(target as Float64Array, value as number, run.options),
  );
}

function binary(name: 'add' | 'sub' | 'mul' | 'div'): Binary {
  return async (session, x, y, out, options = {}) => {
    const inputs = [new Elements(x, 'x'), new Elements(y, 'y')] as const;
    checkAlike(...inputs);
    return each(
      name,
      session,
      inputs,
      out,
      options,
      (run) =>
        ([a, b], target) =>
          session[name](a as Float64Array, b as Float64Array, {
            ...run.options,
            out: target as Float64Array,
          }),
    );
  };
}

async function each(
  operation: string,
  session: ComputeSession,
  inputs: readonly Elements[],
  out: StoredOutput,
  options: StoredOptions,
  callOf: (run: Run) => Call<NumericArray, NumericArray>,
): Written {
  const output = new Output(out, 'out');
  for (const input of inputs) checkAlike(input, output);
  return through({ operation, session, inputs, output }, options, callOf);
}

interface Pass {
  readonly operation: string;
  readonly session: ComputeSession;
  readonly inputs: readonly Elements<StoredType>[];
  readonly output: Output<StoredType>;
}

async function through<In extends Window, Out extends Window>(
  { operation, session, inputs, output }: Pass,
  options: StoredOptions,
  callOf: (run: Run) => Call<In, Out>,
): Written {
  const arrays = [...inputs, output];
  const run = new Run(session, options, output.count * bytesPerRow(arrays));
  const size = pieceSize(run, arrays, 4096);
  const call = callOf(run);
  await writing({ operation, inputs, outputs: [output] }, () =>
    stream(run, piecesOf(output.count, size), { inputs, outputs: [output] }, async ({ first, count }) => {
      const windows = inputs.map((input) => input.window(first, count) as In);
      await run.take(call(windows, output.window(first, count) as Out));
    }),
  );
  return run.result(output.array);
}
