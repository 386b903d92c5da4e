// Writes GGUF, the file format of llama.cpp's models.
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3.

/** `id` is the number of the type in a tensor's description; a block of `values` takes `bytes`. */
export interface TensorType {
  readonly id: number;
  readonly values: number;
  readonly bytes: number;
  /** Writes one block. */
  readonly encode: (values: Float32Array, to: DataView) => void;
}

export interface Tensor {
  readonly name: string;
  /** The fastest varying first. */
  readonly dimensions: readonly number[];
  readonly type: TensorType;
  readonly values: Float32Array;
}

/** A number becomes u32, in an array i32, as the keys of the architecture "llama" are read. */
export type MetadataValue = string | number | F32 | readonly string[] | readonly number[] | readonly F32[];

export class F32 {
  constructor(readonly value: number) {}
}

const ALIGNMENT = 32;
const TYPE_U32 = 4;
const TYPE_I32 = 5;
const TYPE_F32 = 6;
const TYPE_STRING = 8;
const TYPE_ARRAY = 9;

export function encodeGguf(
  metadata: Readonly<Record<string, MetadataValue>>,
  tensors: readonly Tensor[],
): Buffer {
  const entries = Object.entries(metadata);
  const header = new Bytes();
  header.raw(Buffer.from('GGUF'));
  header.u32(3);
  header.u64(tensors.length);
  header.u64(entries.length);
  for (const [key, value] of entries) {
    header.string(key);
    header.value(value);
  }
  const payloads = tensors.map(encodeTensor);
  let offset = 0;
  for (const [index, { name, dimensions, type }] of tensors.entries()) {
    header.string(name);
    header.u32(dimensions.length);
    for (const dimension of dimensions) header.u64(dimension);
    header.u32(type.id);
    header.u64(offset);
    offset += payloads[index]?.length ?? 0;
  }
  header.align();
  return Buffer.concat([header.take(), ...payloads]);
}

function encodeTensor({ name, dimensions, type, values }: Tensor): Buffer {
  const count = dimensions.reduce((product, dimension) => product * dimension, 1);
  const rowLength = dimensions[0] ?? 1;
  if (count !== values.length || rowLength % type.values !== 0) {
    throw new RangeError(`${name}: ${values.length} values do not fill rows of ${rowLength}`);
  }
  const size = (count / type.values) * type.bytes;
  const payload = Buffer.alloc(Math.ceil(size / ALIGNMENT) * ALIGNMENT);
  for (let block = 0; block < count / type.values; block++) {
    const from = values.subarray(block * type.values, (block + 1) * type.values);
    type.encode(from, new DataView(payload.buffer, payload.byteOffset + block * type.bytes, type.bytes));
  }
  return payload;
}

class Bytes {
  readonly #parts: Buffer[] = [];
  #length = 0;

  raw(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  u32(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.raw(bytes);
  }

  u64(value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    this.raw(bytes);
  }

  string(text: string): void {
    const bytes = Buffer.from(text);
    this.u64(bytes.length);
    this.raw(bytes);
  }

  value(value: MetadataValue): void {
    if (typeof value === 'object' && !(value instanceof F32)) {
      const [first] = value;
      if (first === undefined) throw new RangeError('an empty array has no type');
      this.u32(TYPE_ARRAY);
      this.u32(typeof first === 'number' ? TYPE_I32 : typeId(first));
      this.u64(value.length);
      for (const element of value) this.#scalar(element);
    } else {
      this.u32(typeId(value));
      this.#scalar(value);
    }
  }

  align(): void {
    this.raw(Buffer.alloc((ALIGNMENT - (this.#length % ALIGNMENT)) % ALIGNMENT));
  }

  take(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #scalar(value: string | number | F32): void {
    if (typeof value === 'string') this.string(value);
    else if (typeof value === 'number') this.u32(value);
    else {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(value.value);
      this.raw(bytes);
    }
  }
}

function typeId(value: string | number | F32): number {
  if (typeof value === 'string') return TYPE_STRING;
  return typeof value === 'number' ? TYPE_U32 : TYPE_F32;
}
