import { describe, expect, test } from 'vitest';
import {
  type ArrayDescriptorInput,
  encodePayload,
  FormatError,
  parseDescriptor,
  readContainer,
  shapeOf,
  valuesOf,
  writeContainer,
} from '../src/index.js';
import { allValues, goldenBytes } from './golden.js';

/** A block with each value twice its row plus its column, from `start`. */
function block(rows: number, columns: number, payloadUuid: string, start: number): Uint8Array {
  const descriptor = parseDescriptor({
    structure: 'dense',
    dtype: 'f64',
    rows,
    columns,
    payloadUuid,
  });
  return writeContainer({
    descriptor,
    payload: encodePayload(descriptor, (row, column) => start + 2 * row + column),
  });
}

const files = new Map([
  ['a.pycauset', block(2, 2, 'a', 0)],
  ['b.pycauset', block(2, 1, 'b', 10)],
  ['c.pycauset', block(1, 2, 'c', 20)],
  ['d.pycauset', block(1, 1, 'd', 30)],
]);
const reference = (name: string) => ({ path: `${name}.pycauset`, payloadUuid: name });
const descriptor: ArrayDescriptorInput = {
  structure: 'block',
  rows: 3,
  columns: 3,
  payloadUuid: 'whole',
  rowPartitions: [0, 2, 3],
  columnPartitions: [0, 2, 3],
  blocks: [
    [reference('a'), reference('b')],
    [reference('c'), reference('d')],
  ],
};
const whole = readContainer(writeContainer({ descriptor, payload: new Uint8Array() }));

describe('a block matrix', () => {
  test('is put together from the files beside it', () => {
    const values = valuesOf(whole, (path) => files.get(path));
    expect(shapeOf(whole.descriptor, values)).toEqual([3, 3]);
    expect(allValues(values)).toEqual([0, 1, 10, 2, 3, 12, 20, 21, 30]);
  });

  test('has the view of its own file', () => {
    const transposed = { ...descriptor, view: { transposed: true, scalar: { re: 2, im: 0 } } };
    const container = readContainer(writeContainer({ descriptor: transposed, payload: new Uint8Array() }));
    expect(allValues(valuesOf(container, (path) => files.get(path)))).toEqual([
      0, 4, 40, 2, 6, 42, 20, 24, 60,
    ]);
  });

  test.each<[string, Map<string, Uint8Array>]>([
    ['missing', new Map()],
    ['another one with the same name', new Map([...files, ['b.pycauset', block(2, 1, 'other', 0)]])],
    ['of another size', new Map([...files, ['b.pycauset', block(1, 1, 'b', 0)]])],
    [
      'a block matrix itself',
      new Map([...files, ['b.pycauset', writeContainer({ descriptor, payload: new Uint8Array() })]]),
    ],
  ])('is refused when a block is %s', (_, folder) => {
    expect(() => valuesOf(whole, (path) => folder.get(path))).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_FORMAT_BLOCKS' }),
    );
  });

  test.each(['../secret', 'a/b', 'a\\b', '..', '.', 'c:d', 'nul\0', ''])('does not name %j', (path) => {
    const blocks = [
      [{ path, payloadUuid: 'a' }, reference('b')],
      [reference('c'), reference('d')],
    ];
    expect(() => parseDescriptor({ ...descriptor, blocks })).toThrow(FormatError);
  });

  test.each([
    ['gaps', [0, 2]],
    ['no order', [0, 2, 1, 3]],
    ['an empty part', [0, 2, 2, 3]],
    ['another start', [1, 2, 3]],
  ])('is refused when its partitions have %s', (_, rowPartitions) => {
    expect(() => parseDescriptor({ ...descriptor, rowPartitions })).toThrow(FormatError);
  });

  test('written by PyCauset reads as far as its own file goes', () => {
    const { descriptor: found } = readContainer(goldenBytes('broken/block_no_dir'));
    expect(found).toMatchObject({
      structure: 'block',
      rows: 3,
      columns: 5,
      rowPartitions: [0, 2, 3],
      columnPartitions: [0, 2, 5],
      blocks: [
        [{ path: 'block_r0_c0.pycauset' }, { path: 'block_r0_c1.pycauset' }],
        [{ path: 'block_r1_c0.pycauset' }, { path: 'block_r1_c1.pycauset' }],
      ],
    });
  });
});
