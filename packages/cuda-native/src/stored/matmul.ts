// Products of matrices that are larger than memory.
//
// Some rows of the left matrix and of the result are in memory at a time, as many as fit; the right matrix goes by once for each
// such panel, in blocks of whole rows. So everything is read from one end to the other, and only the right matrix more than
// once. (Loop order "ikj" of J. J. Dongarra, F. G. Gustavson, A. Karp, "Implementing linear algebra algorithms for dense
// matrices on a vector pipeline machine", SIAM Review 26, 1984, with blocks for elements.)
import { newArray, type NumericArray } from '../arrays.js';
import { argumentError } from '../errors.js';
import type { Matrix } from '../matrix.js';
import type { ComputeSession } from '../session.js';
import type { Journal } from './journal.js';
import { checkpoint, Output, type ResumeOptions, resumable, type Task, writing } from './output.js';
import { memoryError, Run, type StoredOptions, type StoredResult } from './run.js';
import { Elements, type StoredArray, type StoredOutput } from './stored-array.js';
import { type Piece, pieceSize, piecesOf, stream } from './stream.js';

/** In rows: of the left matrix and the result, of the right matrix, and of the products that are added to the result. */
interface Plan {
  readonly panel: number;
  readonly block: number;
  readonly strip: number;
}

interface Product {
  readonly left: Elements;
  readonly right: Elements;
  readonly output: Output;
  readonly plan: Plan;
}

/** Parts of the limit: three blocks of the right matrix, a strip of products, and the rest for panels. */
const blockShare = 8;
const stripShare = 8;
const panelShare = 2;
/** Larger ones make products no faster. */
const mostStripRows = 1024;
const mostBlockBytes = 2 ** 28;

/**
 * a × b, as `session.matmul`. The result's rows are summed in parts, in the type of the elements; how many depends on the memory
 * limit, and with them the last bits of floats.
 * `checkpointBytes` is without meaning: progress is recorded after each panel of rows.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_MEMORY_LIMIT where not even single rows fit
 */
export async function matmul(
  session: ComputeSession,
  a: StoredArray,
  b: StoredArray,
  out: StoredOutput,
  options: Omit<ResumeOptions, 'checkpointBytes'> = {},
): Promise<StoredResult<StoredOutput>> {
  const { resume = false, ...others } = options;
  const [left, right, output] = [new Elements(a, 'a'), new Elements(b, 'b'), new Output(out, 'out')];
  checkTypes(left, right, output);
  checkShape(right, left.columns, right.columns);
  checkShape(output, left.rows, right.columns);
  const { rows } = left;
  const limit = new Run(session, others, 0).memoryLimit;
  const plan = planFor(left, right, limit);
  const passes = Math.ceil(rows / plan.panel);
  const run = new Run(session, others, passes * right.count * right.bytesPerElement);
  const task: Task = { operation: 'matmul', inputs: [left, right], outputs: [output] };
  const product = { left, right, output, plan };
  if (resume) await resumable(task, { ...plan }, (journal) => panels(run, product, journal));
  else await writing(task, () => panels(run, product, undefined));
  return run.result(out);
}

/** a × x with a vector that fits into memory, as `session.matvec`. */
export async function matvec(
  session: ComputeSession,
  a: StoredArray,
  x: StoredArray,
  out: StoredOutput,
  options: StoredOptions = {},
): Promise<StoredResult<StoredOutput>> {
  const [left, vector, output] = [new Elements(a, 'a'), new Elements(x, 'x'), new Output(out, 'out')];
  checkTypes(left, vector, output);
  const { rows, columns, bytesPerElement } = left;
  if (vector.count !== columns || output.count !== rows) {
    throw argumentError(`a has ${rows} × ${columns} elements, x ${vector.count}, and out ${output.count}`);
  }
  const run = new Run(session, options, left.count * bytesPerElement);
  const size = Math.max(1, Math.floor(pieceSize(run, [left], Math.max(columns, 1)) / Math.max(columns, 1)));
  const factor = vector.window(0, columns);
  await writing({ operation: 'matvec', inputs: [left, vector], outputs: [output] }, () =>
    stream(run, piecesOf(rows * columns, size * columns), { inputs: [left] }, async ({ first, count }) => {
      const part = matrixIn(left, { first: first / columns, count: count / columns });
      const target = output.window(first / columns, part.rows);
      await run.take(session.matvec(part, factor, { ...run.options, out: target }));
    }),
  );
  return run.result(out);
}

async function panels(run: Run, product: Product, journal: Journal | undefined): Promise<void> {
  const { left, right, output, plan } = product;
  const { bytesPerElement } = right;
  const strip = newArray(left.type, plan.strip * right.columns);
  const [start = 0] = journal?.state ?? [];
  run.progress(Math.ceil(start / plan.panel) * right.count * bytesPerElement);
  for (const panel of piecesOf(left.rows, plan.panel, start)) {
    const elements = { first: panel.first * left.columns, count: panel.count * left.columns };
    await left.array.prefetch(elements.first, elements.count, signalOf(run));
    run.uses(
      panelBytes(product, panel) + strip.byteLength + 3 * plan.block * right.columns * bytesPerElement,
    );
    await onePanel(run, product, panel, strip);
    await left.array.discard(elements.first, elements.count);
    if (journal !== undefined) await checkpoint([output], journal, [panel.first + panel.count]);
    await output.array.discard(panel.first * output.columns, panel.count * output.columns);
  }
}

/** Some rows of the result: the right matrix goes by. */
async function onePanel(run: Run, product: Product, panel: Piece, strip: NumericArray): Promise<void> {
  const { left, right, output, plan } = product;
  const rows = matrixIn(left, panel);
  const result = matrixIn(output, panel);
  if (right.count === 0) {
    const zero = right.type === 'i64' || right.type === 'u64' ? 0n : 0;
    await run.take(run.session.fill(result.data, zero, run.options));
    return;
  }
  const { columns } = right;
  const pieces = piecesOf(right.count, plan.block * columns);
  await stream(run, pieces, { inputs: [right] }, async ({ first, count }) => {
    const block = matrixIn(right, { first: first / columns, count: count / columns });
    for (const part of piecesOf(panel.count, plan.strip)) {
      const factor = {
        data: rows.data.subarray(part.first * rows.columns + first / columns),
        rows: part.count,
        columns: block.rows,
        stride: rows.columns,
      };
      const target = result.data.subarray(part.first * columns, (part.first + part.count) * columns);
      await addProduct(run, factor, block, { target, isFirst: first === 0, strip });
    }
  });
}

/** target = factor × block, or added to it. */
async function addProduct(
  run: Run,
  factor: Matrix<NumericArray>,
  block: Matrix<NumericArray>,
  { target, isFirst, strip }: { target: NumericArray; isFirst: boolean; strip: NumericArray },
): Promise<void> {
  const data = isFirst ? target : strip.subarray(0, target.length);
  const out = { data, rows: factor.rows, columns: block.columns };
  await run.take(run.session.matmul(factor, block, { ...run.options, out }));
  if (!isFirst) await run.take(run.session.add<NumericArray>(target, data, { ...run.options, out: target }));
}

function planFor(left: Elements, right: Elements, limit: number): Plan {
  const rowBytes = Math.max(right.columns, 1) * right.bytesPerElement;
  const panelRowBytes = (left.columns + right.columns) * right.bytesPerElement || right.bytesPerElement;
  const needed = Math.max(blockShare * rowBytes, stripShare * rowBytes, panelShare * panelRowBytes);
  if (needed > limit) throw memoryError(needed, limit);
  const rowsIn = (bytes: number, each: number, most: number) =>
    Math.max(1, Math.min(Math.floor(bytes / each), most));
  const panel = rowsIn(limit / panelShare, panelRowBytes, Math.max(left.rows, 1));
  return {
    panel,
    block: rowsIn(Math.min(limit / blockShare, mostBlockBytes), rowBytes, Math.max(right.rows, 1)),
    strip: rowsIn(limit / stripShare, rowBytes, Math.min(panel, mostStripRows)),
  };
}

function panelBytes({ left, right }: Product, { count }: Piece): number {
  return count * (left.columns + right.columns) * left.bytesPerElement;
}

function matrixIn(elements: Elements, { first, count }: Piece): Matrix<NumericArray> {
  const { columns } = elements;
  const data = elements.window(first * columns, count * columns);
  return { data, rows: count, columns };
}

function signalOf({ options: { signal } }: Run): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function checkTypes(first: Elements, ...others: readonly Elements[]): void {
  for (const { name, type } of others) {
    if (type === first.type) continue;
    throw argumentError(`${name} has elements of ${type}, and ${first.name} of ${first.type}`, {
      array: name,
      type,
    });
  }
}

function checkShape({ name, rows, columns }: Elements, expectedRows: number, expectedColumns: number): void {
  if (rows === expectedRows && columns === expectedColumns) return;
  throw argumentError(
    `${name} has ${rows} × ${columns} elements where ${expectedRows} × ${expectedColumns} belong`,
    { rows, columns, expectedRows, expectedColumns },
  );
}
