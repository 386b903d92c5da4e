import { describe, expect, test } from 'vitest';
import {
  containerHeaderBytes,
  decodeMetadata,
  detectFormat,
  encodeMetadata,
  encodePayload,
  encodePreamble,
  encodeSlot,
  FormatError,
  plain,
  readContainer,
  readContainerHeader,
  readRawPayload,
  shapeOf,
  slotOffset,
  type Structure,
  UnidentifiedStructureError,
  valuesOf,
  writeContainer,
} from '../src/index.js';
import {
  allValues,
  brokenGolden,
  brokenVerdict,
  golden,
  goldenBytes,
  goldenNames,
  goldenValues,
} from './golden.js';

const structureNames: Readonly<Record<string, Structure>> = { unit_vector: 'unit-vector' };

const good = [...goldenNames(), ...goldenNames('handmade')];

test('the golden files are all there', () => {
  expect(good).toHaveLength(116);
  expect(goldenNames('broken')).toHaveLength(83);
  expect(goldenNames('unloadable')).toHaveLength(12);
});

describe.each(good)('%s', (name) => {
  const file = golden(name);
  const container = readContainer(file.bytes);

  test('reads to its values', () => {
    expect(detectFormat(file.bytes)).toBe('container');
    const values = valuesOf(container);
    expect(container.warnings).toEqual([]);
    expect(container.descriptor.structure).toBe(structureNames[file.structure] ?? file.structure);
    expect(shapeOf(container.descriptor, values)).toEqual(file.shape);
    expect(allValues(values)).toEqual(goldenValues({ ...file, dtype: values.dtype }));
  });

  test('has the slots that its side-car lists', () => {
    const { header } = container;
    expect(header.active).toBe(file.active_slot);
    expect(header.slot.generation).toBe(BigInt(file.generation));
    for (const { name: slotName, slot } of header.slots) {
      const expected = file.slots?.[slotName];
      if (expected === undefined) continue;
      expect(slot).toEqual({
        generation: BigInt(expected.generation),
        payload: { offset: expected.payload_offset, length: expected.payload_length },
        metadata: { offset: expected.metadata_offset, length: expected.metadata_length },
        hot: { offset: expected.hot_offset, length: expected.hot_length },
      });
    }
    if (file.payload_bytes !== undefined) expect(container.payload.length).toBe(file.payload_bytes);
    if (file.metadata !== undefined) {
      const metadata = JSON.stringify(
        plain({ type: 'map', value: container.metadata }),
        (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value),
      );
      expect(JSON.parse(metadata)).toEqual(file.metadata);
    }
  });

  test('is put together again byte for byte', () => {
    const copy = new Uint8Array(file.bytes.length);
    copy.set(encodePreamble());
    for (const { name: slotName, slot } of container.header.slots) {
      if (slot === undefined) throw new Error(`slot ${slotName} is invalid`);
      copy.set(encodeSlot(slot), slotOffset(slotName));
      const { offset, length } = slot.metadata;
      copy.set(encodeMetadata(decodeMetadata(file.bytes.subarray(offset, offset + length))), offset);
      // Fresh identity files reuse the bytes of another file as payload: those have no meaning and are copied.
      copy.set(payloadOf(file.bytes, container), slot.payload.offset);
      copy.set(file.bytes.subarray(slot.hot.offset, slot.hot.offset + slot.hot.length), slot.hot.offset);
    }
    expect(Buffer.compare(copy, file.bytes)).toBe(0);
  });

  test('has the same values after being written here, and then stays as it is', () => {
    const { descriptor, payloadBytes, metadata } = container;
    const first = writeContainer({ descriptor, payload: payloadBytes, metadata });
    const again = readContainer(first);
    expect(again.warnings).toEqual([]);
    expect(again.descriptor).toEqual(descriptor);
    expect(again.header.slot.payload.length).toBe(container.layout.byteLength);
    expect(allValues(valuesOf(again))).toEqual(allValues(valuesOf(container)));
    const second = writeContainer({
      descriptor: again.descriptor,
      payload: again.payloadBytes,
      metadata: again.metadata,
    });
    expect(Buffer.compare(second, first)).toBe(0);
  });

  test('its payload is encoded to the same bytes', () => {
    const { descriptor, payloadBytes } = container;
    const { columns } = descriptor;
    const plainView = { transposed: false, conjugated: false, scalar: { re: 1, im: 0 } };
    const stored = allValues(valuesOf({ descriptor: { ...descriptor, view: plainView }, payloadBytes }));
    const encoded = encodePayload(descriptor, (row, column) => stored[row * columns + column] ?? 0);
    expect(Buffer.compare(encoded, payloadBytes)).toBe(0);
  });
});

/** The payload proper, or for a file that stores nothing whatever lies between header and metadata. */
function payloadOf(
  bytes: Uint8Array,
  { payload, payloadBytes, header }: ReturnType<typeof readContainer>,
): Uint8Array {
  if (payload.length > 0) return payloadBytes;
  return readRawPayload(bytes, header);
}

describe.each(goldenNames('unloadable'))('%s', (name) => {
  const file = golden(name);

  test('is refused with what is missing and what it may be', () => {
    const error = thrownBy(() => readContainer(file.bytes));
    expect(error).toBeInstanceOf(UnidentifiedStructureError);
    expect(error).toMatchObject({
      code: 'ERR_VGPU_FORMAT_UNIDENTIFIED',
      rows: file.shape[0],
      columns: file.shape[1],
      candidates: expect.arrayContaining([{ structure: file.structure, dtype: 'f64' }]),
    });
  });

  test('gives its raw payload', () => {
    const raw = readRawPayload(file.bytes);
    const offset = file.payload_offset ?? 0;
    const expected = file.bytes.subarray(offset, offset + (file.payload_bytes ?? 0));
    expect(raw.subarray(0, expected.length)).toEqual(expected);
    // Nothing but the padding in front of the metadata follows.
    expect(raw.length - expected.length).toBeLessThan(16);
  });

  test('reads to its values when told what it is', () => {
    const structure = file.structure as 'symmetric' | 'antisymmetric' | 'diagonal';
    const container = readContainer(file.bytes, { assume: { structure, dtype: 'f64' } });
    expect(container.warnings.map(({ code }) => code)).toEqual(['structure-assumed']);
    expect(allValues(valuesOf(container))).toEqual(goldenValues(file));
  });
});

describe.each(goldenNames('broken'))('%s', (name) => {
  const file = brokenGolden(name);
  const verdict = brokenVerdict(name);

  test(file.wrong, () => {
    if (typeof verdict === 'string') {
      const error = thrownBy(() => allValues(valuesOf(readContainer(file.bytes))));
      expect(error).toBeInstanceOf(FormatError);
      expect(error).toMatchObject({ code: `ERR_VGPU_FORMAT_${verdict}`, remedy: expect.any(String) });
      return;
    }
    // Only what PyCauset reads to the same values may be read at all.
    expect(file.pycauset_load.same_as_base).toBe(true);
    const container = readContainer(file.bytes);
    expect(container.warnings.map(({ code }) => code)).toEqual(verdict);
    const base = name.includes('gen2') ? 'gen2_resaved_f64_2x2' : 'handmade/exact_payload_length_f64_3x5';
    const values = valuesOf(container);
    expect([values.rows, values.columns]).toEqual(golden(base).shape);
    expect(allValues(values)).toEqual(goldenValues(golden(base)));
  });
});

test('the header of a file is enough to find everything else', () => {
  const bytes = goldenBytes('dense_f64_7x7');
  const header = readContainerHeader(bytes.subarray(0, containerHeaderBytes), bytes.length);
  expect(header).toEqual(readContainerHeader(bytes));
});

test('the older version of a file can be read while it is intact', () => {
  const bytes = goldenBytes('gen2_i32_3x5');
  const [newer, older] = [readContainer(bytes), readContainer(bytes, { slot: 'A' })];
  expect(newer.header.slot.generation).toBe(2n);
  expect(older.header.slot.generation).toBe(1n);
  expect(newer.metadata.has('cached')).toBe(true);
  expect(older.metadata.has('cached')).toBe(false);
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
