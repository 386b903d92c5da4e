// A language model with random weights, small enough to run anywhere: the architecture "llama" in all its parts.
import { encodeGguf, F32, type MetadataValue, type Tensor, type TensorType } from './gguf.js';
import { F32_TENSOR } from './tensor-types.js';

const LAYERS = 2;
const WIDTH = 256;
const HEADS = 4;
const KEY_VALUE_HEADS = 2;
const HEAD_WIDTH = WIDTH / HEADS;
const FEED_FORWARD = 512;
const CONTEXT = 512;

const CONTROL_TOKENS = ['<unk>', '<s>', '</s>'];
const BYTE_TOKENS = 256;
const WORDS = 253;
export const VOCABULARY = CONTROL_TOKENS.length + BYTE_TOKENS + WORDS;

/** A GGUF file whose matrices have this type; vectors are always f32. The same seed gives the same file. */
export function tinyModel(type: TensorType, seed: number): Buffer {
  const random = gaussian(seed);
  const matrix = (name: string, inputs: number, outputs: number): Tensor => ({
    name: `${name}.weight`,
    dimensions: [inputs, outputs],
    type,
    values: vector(inputs * outputs, () => random() / Math.sqrt(inputs)),
  });
  const norm = (name: string): Tensor => ({
    name: `${name}.weight`,
    dimensions: [WIDTH],
    type: F32_TENSOR,
    values: vector(WIDTH, () => 1 + random() / 10),
  });
  const layer = (index: number): Tensor[] => {
    const name = `blk.${index}`;
    return [
      norm(`${name}.attn_norm`),
      matrix(`${name}.attn_q`, WIDTH, WIDTH),
      matrix(`${name}.attn_k`, WIDTH, KEY_VALUE_HEADS * HEAD_WIDTH),
      matrix(`${name}.attn_v`, WIDTH, KEY_VALUE_HEADS * HEAD_WIDTH),
      matrix(`${name}.attn_output`, WIDTH, WIDTH),
      norm(`${name}.ffn_norm`),
      matrix(`${name}.ffn_gate`, WIDTH, FEED_FORWARD),
      matrix(`${name}.ffn_up`, WIDTH, FEED_FORWARD),
      matrix(`${name}.ffn_down`, FEED_FORWARD, WIDTH),
    ];
  };
  const embedding = vector(VOCABULARY * WIDTH, () => random());
  return encodeGguf(METADATA, [
    { name: 'token_embd.weight', dimensions: [WIDTH, VOCABULARY], type, values: embedding },
    ...Array.from({ length: LAYERS }, (_, index) => layer(index)).flat(),
    norm('output_norm'),
    {
      name: 'output.weight',
      dimensions: [WIDTH, VOCABULARY],
      type,
      values: outputMatrix(embedding, random),
    },
  ]);
}

/**
 * With a purely random output matrix the best tokens are often so close that the rounding of activations decides.
 * So each token has two likely successors, one in each half of the vocabulary, which are far ahead of all others; the
 * component of the last state along a random direction, which depends on everything before, decides between them.
 */
function outputMatrix(embedding: Float32Array, random: () => number): Float32Array {
  const direction = vector(WIDTH, () => random());
  const half = VOCABULARY / 2;
  const matrix = vector(VOCABULARY * WIDTH, () => random());
  for (let token = 0; token < VOCABULARY; token++) {
    // 37 and 101 have no factor in common with 256, so successors are spread over all of the half.
    for (const successor of [(token * 37 + 5) % half, half + ((token * 101 + 11) % half)]) {
      for (let i = 0; i < WIDTH; i++) {
        const at = successor * WIDTH + i;
        matrix[at] = (matrix[at] ?? 0) + (embedding[token * WIDTH + i] ?? 0);
      }
    }
  }
  return matrix.map((value, at) => {
    const side = at < half * WIDTH ? DECISION : -DECISION;
    return (value + side * (direction[at % WIDTH] ?? 0)) / Math.sqrt(WIDTH);
  });
}

/** How much the direction counts, beside embeddings. */
const DECISION = 3;

function vector(length: number, value: () => number): Float32Array {
  return Float32Array.from({ length }, value);
}

const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;
const NORMAL = 1;

const TOKENS = [
  ...CONTROL_TOKENS,
  ...Array.from({ length: BYTE_TOKENS }, (_, byte) => `<0x${hex(byte)}>`),
  ...Array.from({ length: WORDS }, (_, word) => `\u2581w${word}`),
];

const METADATA: Readonly<Record<string, MetadataValue>> = {
  'general.architecture': 'llama',
  'general.name': 'tiny',
  'general.alignment': 32,
  'llama.block_count': LAYERS,
  'llama.context_length': CONTEXT,
  'llama.embedding_length': WIDTH,
  'llama.feed_forward_length': FEED_FORWARD,
  'llama.attention.head_count': HEADS,
  'llama.attention.head_count_kv': KEY_VALUE_HEADS,
  'llama.attention.layer_norm_rms_epsilon': new F32(1e-5),
  'llama.rope.dimension_count': HEAD_WIDTH,
  'llama.vocab_size': VOCABULARY,
  'tokenizer.ggml.model': 'llama',
  'tokenizer.ggml.tokens': TOKENS,
  'tokenizer.ggml.scores': TOKENS.map((_, index) => new F32(-index)),
  'tokenizer.ggml.token_type': TOKENS.map((_, index) => tokenType(index)),
  'tokenizer.ggml.unknown_token_id': 0,
  'tokenizer.ggml.bos_token_id': 1,
  'tokenizer.ggml.eos_token_id': 2,
};

function tokenType(index: number): number {
  if (index === 0) return UNKNOWN;
  if (index < CONTROL_TOKENS.length) return CONTROL;
  return index < CONTROL_TOKENS.length + BYTE_TOKENS ? BYTE : NORMAL;
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}

/** Normally distributed numbers: mulberry32 for uniform ones, and the method of Box and Muller. */
export function gaussian(seed: number): () => number {
  const uniform = mulberry32(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
