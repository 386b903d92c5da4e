import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ArrayDescriptorInput,
  containerHeaderBytes,
  describeContainer,
  type Dtype,
  dtypes,
  dtypeTraits,
  elementReader,
  encodeMetadata,
  encodePayload,
  encodeSlot,
  FormatError,
  InvalidFileFormatError,
  type MetadataMap,
  meta,
  metadataFor,
  type PlainDescriptor,
  parseDescriptor,
  placeExtent,
  planContainer,
  planUpdate,
  readContainer,
  readContainerHeader,
  type Scalar,
  type Slot,
  slotOffset,
  valuesOf,
  writeContainer,
} from '../src/index.js';
import { allValues, golden } from './golden.js';

const payloadUuid = '0123456789abcdef0123456789abcdef';

function plainDescriptor(input: ArrayDescriptorInput): PlainDescriptor {
  const descriptor = parseDescriptor(input);
  if (descriptor.structure === 'block') throw new Error('not a plain array');
  return descriptor;
}

/** A value that survives any dtype. */
function sample(dtype: Dtype, row: number, column: number): Scalar {
  const value = (row * 7 + column * 3) % (dtype === 'bit' ? 2 : 50);
  const { kind } = dtypeTraits[dtype];
  if (kind === 'complex') return { re: value, im: row - column };
  return dtype === 'i64' || dtype === 'u64' ? BigInt(value) : value;
}

/** Of a float 0 it is −0, as in IEEE 754; integers have one zero. */
function negative(value: Scalar, dtype: Dtype): Scalar {
  if (typeof value === 'object') return { re: -value.re, im: -value.im };
  if (typeof value === 'bigint') return -value;
  return dtypeTraits[dtype].kind === 'float' ? -value : 0 - value;
}

const zero = (dtype: Dtype): Scalar => {
  const { kind } = dtypeTraits[dtype];
  if (kind === 'complex') return { re: 0, im: 0 };
  return dtype === 'i64' || dtype === 'u64' ? 0n : 0;
};
const one = (dtype: Dtype): Scalar => {
  const { kind } = dtypeTraits[dtype];
  if (kind === 'complex') return { re: 1, im: 0 };
  return dtype === 'i64' || dtype === 'u64' ? 1n : 1;
};

type ValueAt = (row: number, column: number) => Scalar;

/** Each structure in each dtype that it can have, with values of that structure. */
const arrays = dtypes.flatMap((dtype): [string, ArrayDescriptorInput, ValueAt][] => {
  const common = { dtype, rows: 67, columns: 67, payloadUuid };
  const value: ValueAt = (row, column) => sample(dtype, row, column);
  const signed = !['bit', 'unsigned'].includes(dtypeTraits[dtype].kind);
  const antisymmetric: ValueAt = (row, column) =>
    row <= column ? value(row, column) : negative(value(column, row), dtype);
  return [
    [`dense ${dtype}`, { structure: 'dense', ...common, columns: 5 }, value],
    [
      `strictly triangular ${dtype}`,
      { structure: 'triangular', diagonal: false, ...common },
      (row, column) => (row < column ? value(row, column) : zero(dtype)),
    ],
    [
      `triangular ${dtype}`,
      { structure: 'triangular', diagonal: true, ...common },
      (row, column) => (row <= column ? value(row, column) : zero(dtype)),
    ],
    [
      `symmetric ${dtype}`,
      { structure: 'symmetric', ...common },
      (row, column) => value(Math.min(row, column), Math.max(row, column)),
    ],
    ...(signed
      ? [
          [`antisymmetric ${dtype}`, { structure: 'antisymmetric', ...common }, antisymmetric] as [
            string,
            ArrayDescriptorInput,
            ValueAt,
          ],
        ]
      : []),
    [
      `diagonal ${dtype}`,
      { structure: 'diagonal', ...common },
      (row, column) => (row === column ? value(row, column) : zero(dtype)),
    ],
    [
      `identity ${dtype}`,
      { structure: 'identity', ...common, columns: 5 },
      (row, column) => (row === column ? one(dtype) : zero(dtype)),
    ],
    [`vector ${dtype}`, { structure: 'vector', ...common, columns: 1 }, value],
    [
      `unit vector ${dtype}`,
      { structure: 'unit-vector', index: 3, ...common, columns: 1 },
      (row) => (row === 3 ? one(dtype) : zero(dtype)),
    ],
  ];
});

describe.each(arrays)('%s', (_, input, valueAt) => {
  const descriptor = plainDescriptor(input);
  const payload = encodePayload(descriptor, valueAt);
  const file = writeContainer({ descriptor, payload });

  test('reads to what was written', () => {
    const container = readContainer(file);
    expect(container.warnings).toEqual([]);
    expect(container.descriptor).toEqual({ ...descriptor, seed: 'index' in descriptor ? 3n : 0n });
    const expected: Scalar[] = [];
    for (let row = 0; row < descriptor.rows; row++) {
      for (let column = 0; column < descriptor.columns; column++) expected.push(valueAt(row, column));
    }
    expect(allValues(valuesOf(container))).toEqual(expected);
  });

  test('a value that the structure cannot have is not written', () => {
    if (['dense', 'vector'].includes(descriptor.structure)) return expect(payload.length).toBeGreaterThan(0);
    const other = descriptor.dtype === 'bit' ? 1 : 3;
    // The corner that no structure but a dense one stores by itself.
    const corner = descriptor.structure === 'unit-vector' ? [4, 0] : [descriptor.columns - 1, 0];
    const wrong: ValueAt = (row, column) => {
      if (row !== corner[0] || column !== corner[1]) return valueAt(row, column);
      const value = valueAt(row, column);
      if (descriptor.dtype === 'bit') return value === 1 ? 0 : 1;
      return value === other || value === BigInt(other) ? 4 : other;
    };
    expect(() => encodePayload(descriptor, wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_FORMAT_ARGUMENT' }),
    );
  });
});

describe('the bits of padding', () => {
  test('are zero when written and ignored when read', () => {
    const descriptor = plainDescriptor({
      structure: 'dense',
      dtype: 'bit',
      rows: 3,
      columns: 5,
      payloadUuid,
    });
    const payload = encodePayload(descriptor, () => 1);
    expect([payload[0], payload[1], payload[63]]).toEqual([0b11111, 0, 0]);
    const dirty = payload.map((byte) => byte | 0xe0);
    expect(allValues(elementReader(descriptor, dirty))).toEqual(Array.from({ length: 15 }, () => 1));
  });
});

describe('numbers that do not fit', () => {
  test.each<[Dtype, Scalar]>([
    ['bit', 2],
    ['i8', 128],
    ['u8', -1],
    ['u16', 65536],
    ['i32', 0.5],
    ['i64', 2n ** 63n],
    ['u64', -1n],
    ['f64', { re: 1, im: 1 }],
    ['i32', Number.NaN],
  ])('%s refuses %s', (dtype, value) => {
    const descriptor = plainDescriptor({ structure: 'vector', dtype, rows: 1, columns: 1, payloadUuid });
    expect(() => encodePayload(descriptor, () => value)).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_FORMAT_ARGUMENT' }),
    );
  });

  test('the smallest integer has no place in the upper half of an antisymmetric matrix', () => {
    const descriptor = plainDescriptor({
      structure: 'antisymmetric',
      dtype: 'i8',
      rows: 2,
      columns: 2,
      payloadUuid,
    });
    const reader = elementReader(
      descriptor,
      Uint8Array.of(0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    );
    expect(reader.get(0, 1)).toBe(-128);
    expect(() => reader.get(1, 0)).toThrow(InvalidFileFormatError);
  });
});

describe('descriptors', () => {
  test.each<[string, ArrayDescriptorInput]>([
    [
      'a triangle that is no square',
      { structure: 'triangular', diagonal: false, dtype: 'f64', rows: 2, columns: 3, payloadUuid },
    ],
    [
      'an antisymmetric matrix of bits',
      { structure: 'antisymmetric', dtype: 'bit', rows: 2, columns: 2, payloadUuid },
    ],
    [
      'a unit vector with its one outside',
      { structure: 'unit-vector', index: 5, dtype: 'f64', rows: 5, columns: 1, payloadUuid },
    ],
    ['a negative size', { structure: 'dense', dtype: 'f64', rows: -1, columns: 1, payloadUuid }],
    ['no uuid', { structure: 'dense', dtype: 'f64', rows: 1, columns: 1, payloadUuid: '' }],
    [
      'a factor that is no number',
      {
        structure: 'dense',
        dtype: 'f64',
        rows: 1,
        columns: 1,
        payloadUuid,
        view: { scalar: { re: Number.NaN, im: 0 } },
      },
    ],
  ])('%s is refused', (_, input) => {
    expect(() => parseDescriptor(input)).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_FORMAT_ARGUMENT' }),
    );
  });

  test('a payload of another length is refused', () => {
    const descriptor: ArrayDescriptorInput = {
      structure: 'dense',
      dtype: 'f64',
      rows: 2,
      columns: 2,
      payloadUuid,
    };
    expect(() => writeContainer({ descriptor, payload: new Uint8Array(31) })).toThrow(FormatError);
    expect(() => elementReader(plainDescriptor(descriptor), new Uint8Array(31))).toThrow(FormatError);
  });
});

describe('views', () => {
  const dense = { structure: 'dense', rows: 2, columns: 3, payloadUuid } as const;

  test('are applied in the order transpose, conjugate, multiply', () => {
    const descriptor = plainDescriptor({
      ...dense,
      dtype: 'cf64',
      view: { transposed: true, conjugated: true, scalar: { re: 0, im: 2 } },
    });
    const reader = elementReader(
      descriptor,
      encodePayload(descriptor, (row, column) => ({ re: row, im: column })),
    );
    expect([reader.rows, reader.columns, reader.dtype]).toEqual([3, 2, 'cf64']);
    // 2i × conj(1 + 2i) = 4 + 2i
    expect(reader.get(2, 1)).toEqual({ re: 4, im: 2 });
  });

  test('a factor makes integers floating-point, a factor of one leaves them exact', () => {
    const payload = (descriptor: PlainDescriptor) => encodePayload(descriptor, () => 2n ** 62n + 1n);
    const exact = plainDescriptor({ ...dense, dtype: 'i64' });
    const halved = plainDescriptor({ ...dense, dtype: 'i64', view: { scalar: { re: 0.5, im: 0 } } });
    expect(elementReader(exact, payload(exact)).get(0, 0)).toBe(2n ** 62n + 1n);
    const reader = elementReader(halved, payload(halved));
    expect([reader.dtype, reader.get(0, 0)]).toEqual(['f64', 2 ** 61]);
  });

  test('an element outside is an error', () => {
    const descriptor = plainDescriptor({ ...dense, dtype: 'i8' });
    const reader = elementReader(
      descriptor,
      encodePayload(descriptor, () => 1),
    );
    for (const [row, column] of [
      [2, 0],
      [0, 3],
      [-1, 0],
      [0.5, 0],
    ] as const) {
      expect(() => reader.get(row, column)).toThrow(FormatError);
    }
  });
});

describe('triangular files that do not say whether they have a diagonal', () => {
  /** As PyCauset writes them: without has_diagonal, and the length too large by `excess`. */
  function pycausetFile(size: number, dtype: 'f64' | 'i32', diagonal: boolean, excess: number): Uint8Array {
    const descriptor = plainDescriptor({
      structure: 'triangular',
      diagonal,
      dtype,
      rows: size,
      columns: size,
      payloadUuid,
    });
    const payload = encodePayload(descriptor, (row, column) =>
      row < column || (diagonal && row === column) ? 5 : 0,
    );
    const metadata: MetadataMap = new Map([
      ...metadataFor(descriptor),
      ['matrix_type', meta.string(dtype === 'f64' ? 'TRIANGULAR_FLOAT' : 'TRIANGULAR_INTEGER')],
      ['payload_layout', meta.map({ kind: meta.string('raw_triangular'), params: meta.map({}) })],
    ]);
    const block = encodeMetadata(metadata);
    const plan = planContainer(payload.length, block.length);
    const bytes = new Uint8Array(plan.fileBytes);
    const slot = {
      ...plan.slot,
      payload: { ...plan.slot.payload, length: (payload.length + excess) as Slot['payload']['length'] },
    };
    bytes.set(plan.header);
    bytes.set(encodeSlot(slot), slotOffset('A'));
    bytes.set(payload, slot.payload.offset);
    bytes.set(block, slot.metadata.offset);
    return bytes;
  }

  // 8 is where the diagonal has exactly the 64 bytes by which the length is wrong anyway.
  test.each([2, 3, 7, 8, 9, 16, 65])('are told apart by their length, %i × %i', (size) => {
    for (const dtype of ['f64', 'i32'] as const) {
      for (const excess of [64, 0]) {
        const without = readContainer(pycausetFile(size, dtype, false, excess));
        expect(without.descriptor).toMatchObject({ diagonal: false });
        expect(without.warnings).toEqual([]);
        const file = readContainer(pycausetFile(size, dtype, true, excess));
        expect(file.descriptor).toMatchObject({ diagonal: true });
        expect(file.warnings.map(({ code }) => code)).toEqual(['diagonal-inferred']);
        expect(valuesOf(file).get(0, 0)).toBe(5);
      }
    }
  });
});

describe('updates', () => {
  const bytes = golden('dense_f64_7x7').bytes;

  test('go where nothing of the present version lies, into the other slot', () => {
    const container = readContainer(bytes);
    const block = encodeMetadata(new Map([...container.metadata, ['note', meta.string('new')]]));
    const payload = encodePayload(container.descriptor, () => 1);
    const plan = planUpdate(container.header, { payloadBytes: payload.length, metadataBytes: block.length });
    expect(plan.name).toBe('B');
    expect(plan.slot.generation).toBe(2n);

    const updated = new Uint8Array(Math.max(bytes.length, plan.fileBytes));
    updated.set(bytes);
    updated.set(payload, plan.slot.payload.offset);
    updated.set(block, plan.slot.metadata.offset);
    // Before the slot is written the file still is what it was.
    expect(allValues(valuesOf(readContainer(updated)))).toEqual(allValues(valuesOf(container)));
    updated.set(plan.slotBytes, plan.slotOffset);
    const after = readContainer(updated);
    expect(new Set(allValues(valuesOf(after)))).toEqual(new Set([1]));
    expect(after.metadata.get('note')).toEqual(meta.string('new'));
    expect(allValues(valuesOf(readContainer(updated, { slot: 'A' })))).toEqual(
      allValues(valuesOf(container)),
    );

    // A slot that is torn anywhere leaves the old version or gives the new one.
    for (let torn = 0; torn <= plan.slotBytes.length; torn++) {
      const half = updated.slice();
      half.set(bytes.subarray(plan.slotOffset + torn, plan.slotOffset + 128), plan.slotOffset + torn);
      expect([1n, 2n]).toContain(readContainer(half).header.slot.generation);
    }
  });

  test('of the metadata alone keep the payload', () => {
    const { header } = readContainer(bytes);
    const plan = planUpdate(header, { metadataBytes: 400 });
    expect(plan.slot.payload).toEqual(header.slot.payload);
    expect(plan.slot.metadata.offset).toBeGreaterThanOrEqual(bytes.length);
  });

  test('reuse what only the other, older slot refers to', () => {
    let header = readContainerHeader(bytes);
    const sizes: number[] = [];
    for (let round = 0; round < 6; round++) {
      const plan = planUpdate(header, { payloadBytes: 392, metadataBytes: 330 });
      sizes.push(plan.fileBytes);
      header = { ...header, active: plan.name, slot: plan.slot };
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(3 * 4096 + 392);
  });

  test('extents never overlap what is taken', () => {
    const extent = fc
      .tuple(fc.nat(50_000), fc.nat(9000))
      .map(([offset, length]) => ({ offset, length }) as Slot['payload']);
    fc.assert(
      fc.property(
        fc.array(extent, { maxLength: 6 }),
        fc.nat(9000),
        fc.constantFrom(16, 4096),
        (taken, length, alignment) => {
          const placed = placeExtent(taken, length, alignment);
          expect(placed.offset % alignment).toBe(0);
          expect(placed.offset).toBeGreaterThanOrEqual(4096);
          for (const { offset, length: size } of taken) {
            const apart =
              placed.offset + length <= offset ||
              offset + size <= placed.offset ||
              size === 0 ||
              length === 0;
            expect(apart).toBe(true);
          }
        },
      ),
    );
  });
});

describe('a file in the middle of an in-place update', () => {
  const descriptor = plainDescriptor({ structure: 'vector', dtype: 'i8', rows: 2, columns: 1, payloadUuid });
  const checksum = meta.map({ payload_crc32: meta.u64(7) });
  const clean = metadataFor(descriptor, new Map([['vgpu', checksum]]));
  const file = () => {
    const bytes = writeContainer({ descriptor, payload: Uint8Array.of(1, 2) });
    const header = readContainerHeader(bytes);
    const block = encodeMetadata(metadataFor(descriptor, clean, false));
    const plan = planUpdate(header, { metadataBytes: block.length });
    const dirty = new Uint8Array(Math.max(plan.fileBytes, bytes.length));
    dirty.set(bytes);
    dirty.set(block, plan.slot.metadata.offset);
    dirty.set(plan.slotBytes, plan.slotOffset);
    return dirty;
  };

  test('is refused unless asked for', () => {
    expect(() => readContainer(file())).toThrow(expect.objectContaining({ reason: 'not-committed' }));
    const container = readContainer(file(), { allowUncommitted: true });
    expect(container.committed).toBe(false);
    expect(container.warnings.map(({ code }) => code)).toEqual(['not-committed']);
    expect(allValues(valuesOf(container))).toEqual([1, 2]);
  });

  test('loses the mark with the next commit, and keeps what else is noted there', () => {
    const { metadata } = readContainer(file(), { allowUncommitted: true });
    expect(metadataFor(descriptor, metadata)).toEqual(clean);
  });
});

describe('any bytes', () => {
  const seeds = ['dense_bit_7x7', 'triangular_i32_7x7', 'vector_cf16_65', 'gen2_i32_3x5', 'identity_3x5'].map(
    (name) => golden(name).bytes,
  );
  const change = fc.tuple(fc.nat(5200), fc.nat(255));

  test('give a container or a typed error', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(change, { maxLength: 6 }),
        fc.nat(6000),
        (seed, changes, length) => {
          const bytes = seed.slice(0, length);
          for (const [offset, value] of changes) if (offset < bytes.length) bytes[offset] = value;
          try {
            valuesOf(readContainer(bytes));
          } catch (error) {
            if (!(error instanceof FormatError)) throw error;
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('can be read from the header and the metadata block alone', () => {
    for (const bytes of seeds) {
      const header = readContainerHeader(bytes.subarray(0, containerHeaderBytes), bytes.length);
      const { offset, length } = header.slot.metadata;
      const description = describeContainer(header, bytes.subarray(offset, offset + length));
      expect(description.payload).toEqual(readContainer(bytes).payload);
    }
  });
});
