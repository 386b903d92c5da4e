// What cuBLAS's operations look like on the wire. Matrices lie by columns, as in BLAS; counts and leading dimensions
// are in elements, addresses are device addresses.
import type { WireField, WireStructure } from './wire.js';

/** Bits of `flags`. */
export const blasFlags = {
  VGPU_BLAS_POINTER_ARRAYS: 1,
  VGPU_BLAS_ALPHA_ON_DEVICE: 2,
  VGPU_BLAS_BETA_ON_DEVICE: 4,
} as const;

export const blasVectorOperations = {
  VGPU_BLAS_AXPY: 0,
  VGPU_BLAS_SCAL: 1,
  VGPU_BLAS_COPY: 2,
  VGPU_BLAS_SWAP: 3,
  VGPU_BLAS_DOT: 4,
  VGPU_BLAS_NRM2: 5,
  VGPU_BLAS_ASUM: 6,
  VGPU_BLAS_IAMAX: 7,
  VGPU_BLAS_IAMIN: 8,
} as const;

const matrix = (name: string): WireField[] => [
  {
    name,
    type: 'u64',
    about: `${name}'s first element; with VGPU_BLAS_POINTER_ARRAYS the array of the batch's`,
  },
  { name: `ld${name}`, type: 'i64', about: 'from one column to the next; negative: columns lie backwards' },
];
const stride = (name: string): WireField => ({
  name: `stride_${name}`,
  type: 'i64',
  about: `from one ${name} of a batch to the next`,
});
const alpha: WireField = {
  name: 'alpha',
  type: 'u64',
  about: 'the bits of the scalar, or with VGPU_BLAS_ALPHA_ON_DEVICE its address',
};
const flags: WireField = { name: 'flags', type: 'u32', about: 'VGPU_BLAS_…' };

export const blasProduct: WireStructure = {
  name: 'vgpu_blas_product',
  about: 'C = alpha op(A) op(B) + beta C for each of a batch; C has m rows and n columns.',
  fields: [
    ...['a', 'b', 'c'].flatMap(matrix),
    ...['a', 'b', 'c'].map(stride),
    alpha,
    { name: 'beta', type: 'u64', about: 'likewise' },
    { name: 'm', type: 'u32', about: 'at most 2³¹-1, like the following three' },
    { name: 'n', type: 'u32', about: 'columns of C' },
    { name: 'k', type: 'u32', about: 'columns of op(A), rows of op(B)' },
    { name: 'batch_count', type: 'u32', about: '1 without a batch' },
    { name: 'type_a', type: 'i32', about: 'cudaDataType' },
    { name: 'type_b', type: 'i32', about: 'cudaDataType' },
    { name: 'type_c', type: 'i32', about: 'cudaDataType' },
    {
      name: 'compute',
      type: 'i32',
      about: 'cublasComputeType_t, which also says what type the scalars have',
    },
    { name: 'operation_a', type: 'i32', about: 'cublasOperation_t' },
    { name: 'operation_b', type: 'i32', about: 'cublasOperation_t' },
    { name: 'math_mode', type: 'u32', about: 'cublasMath_t' },
    flags,
  ],
};

export const blasSolve: WireStructure = {
  name: 'vgpu_blas_solve',
  about:
    'op(A) X = alpha B or X op(A) = alpha B for each of a batch; A is triangular, X takes the place of B.',
  fields: [
    ...['a', 'b'].flatMap(matrix),
    ...['a', 'b'].map(stride),
    alpha,
    { name: 'm', type: 'u32', about: 'rows of B, at most 2³¹-1, like the following two' },
    { name: 'n', type: 'u32', about: 'columns of B' },
    { name: 'batch_count', type: 'u32', about: '1 without a batch' },
    { name: 'type', type: 'i32', about: 'cudaDataType of everything' },
    { name: 'side', type: 'i32', about: 'cublasSideMode_t' },
    { name: 'fill', type: 'i32', about: 'cublasFillMode_t' },
    { name: 'operation', type: 'i32', about: 'cublasOperation_t' },
    { name: 'diagonal', type: 'i32', about: 'cublasDiagType_t' },
    { name: 'math_mode', type: 'u32', about: 'cublasMath_t' },
    flags,
  ],
};

export const blasVector: WireStructure = {
  name: 'vgpu_blas_vector',
  about: 'An operation of BLAS level 1.',
  fields: [
    { name: 'x', type: 'u64', about: "x's first element in memory, whatever the increment's sign" },
    { name: 'y', type: 'u64', about: 'likewise; 0 when there is none' },
    {
      name: 'increment_x',
      type: 'i64',
      about: 'from one element to the next; negative: the last one lies first',
    },
    { name: 'increment_y', type: 'i64', about: 'likewise' },
    alpha,
    { name: 'result', type: 'u64', about: 'address of the result; 0 when it belongs into the response' },
    { name: 'operation', type: 'u32', about: 'VGPU_BLAS_…' },
    { name: 'count', type: 'u32', about: 'elements, at most 2³¹-1' },
    { name: 'type', type: 'i32', about: 'cudaDataType of everything but the results that are indices (int)' },
    flags,
  ],
};
