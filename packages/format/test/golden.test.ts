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
import { allValues, brokenGolden, golden, goldenBytes, goldenNames, goldenValues } from './golden.js';

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

/** What each damaged file gives: the last part of an error's code, or the warnings with which it loads. */
const verdicts: Readonly<Record<string, string | readonly string[]>> = {
  appended_garbage: ['unreferenced-bytes'],
  block_no_dir: 'BLOCKS',
  cached_bad_uuid: ['stale-cache'],
  crash_payload_not_written: 'NOT_COMMITTED',
  endian_0: 'OUT_OF_RANGE',
  endian_2: 'OUT_OF_RANGE',
  endian_255: 'OUT_OF_RANGE',
  gen2_old_meta_crc: [],
  gen2_slotA_crc: ['slot-ignored'],
  gen2_torn_slotB_half: ['slot-ignored', 'unreferenced-bytes'],
  gen2_trunc_04455: ['slot-ignored'],
  gen2_trunc_05017: ['slot-ignored', 'unreferenced-bytes'],
  generation_both_zero: ['slots-disagree'],
  generation_i64_wrap: 'OUT_OF_RANGE',
  header_only_4096: 'TRUNCATED',
  layout_unknown: ['unknown-layout'],
  magic_first_byte: 'BAD_MAGIC',
  magic_last_byte: 'BAD_MAGIC',
  matrix_type_int: 'BAD_METADATA',
  matrix_type_lower: 'BAD_METADATA',
  meta_array_count_huge: 'BAD_METADATA',
  meta_block_version_2: 'UNSUPPORTED_VERSION',
  meta_bool_2: 'BAD_METADATA',
  meta_deep_nesting: 'BAD_METADATA',
  meta_duplicate_key: 'BAD_METADATA',
  meta_encoding_2: 'UNSUPPORTED_VERSION',
  meta_magic: 'BAD_METADATA',
  meta_reserved0: 'BAD_METADATA',
  meta_top_array: 'BAD_METADATA',
  no_cols: 'BAD_METADATA',
  no_data_type: 'BAD_METADATA',
  no_matrix_type: 'BAD_METADATA',
  no_payload_layout: [],
  no_payload_uuid: 'BAD_METADATA',
  no_rows: 'BAD_METADATA',
  preamble_only_16: 'TRUNCATED',
  properties_unknown: [],
  reserved15_nonzero: 'OUT_OF_RANGE',
  reserved_header_nonzero: ['reserved-bytes'],
  reserved_slot_nonzero: ['reserved-bytes'],
  rows_1000: 'OUT_OF_RANGE',
  rows_2pow40: 'OUT_OF_RANGE',
  rows_4: 'OUT_OF_RANGE',
  rows_bool: 'BAD_METADATA',
  rows_cols_2pow32: 'OUT_OF_RANGE',
  rows_float: 'BAD_METADATA',
  scalar_missing_imag: 'BAD_METADATA',
  scalar_nan: 'BAD_METADATA',
  seed_negative: 'BAD_METADATA',
  simple_header_64: 'SIMPLE_FILE',
  slotAB_crc: 'BAD_CHECKSUM',
  slotA_field_flip: ['slot-ignored'],
  slotA_only_payload_beyond_eof: ['slot-ignored'],
  slotA_zero: ['slot-ignored'],
  slotB_crc: ['slot-ignored'],
  slots_metadata_length_31: 'BAD_METADATA',
  slots_metadata_length_minus1: 'BAD_METADATA',
  slots_metadata_length_zero: 'BAD_METADATA',
  slots_metadata_offset_zero: 'OUT_OF_RANGE',
  slots_payload_length_short: 'OUT_OF_RANGE',
  slots_payload_offset_beyond_eof: 'TRUNCATED',
  slots_payload_offset_u64_wrap: 'OUT_OF_RANGE',
  slots_payload_offset_unaligned: 'OUT_OF_RANGE',
  transposed_int: 'BAD_METADATA',
  triangular_not_square: 'BAD_METADATA',
  trunc_00008: 'TRUNCATED',
  trunc_00011: 'TRUNCATED',
  trunc_00015: 'TRUNCATED',
  trunc_00017: 'TRUNCATED',
  trunc_00144: 'TRUNCATED',
  trunc_00200: 'TRUNCATED',
  trunc_00204: 'TRUNCATED',
  trunc_00271: 'TRUNCATED',
  trunc_04095: 'TRUNCATED',
  trunc_04215: 'TRUNCATED',
  trunc_04256: 'TRUNCATED',
  trunc_04279: 'TRUNCATED',
  trunc_04280: 'TRUNCATED',
  trunc_04550: 'TRUNCATED',
  uuid_empty: 'BAD_METADATA',
  version_0: 'UNSUPPORTED_VERSION',
  version_2: 'UNSUPPORTED_VERSION',
  view_string: 'BAD_METADATA',
};

describe.each(goldenNames('broken'))('%s', (name) => {
  const file = brokenGolden(name);
  const verdict = verdicts[name.replace('broken/', '')];

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
