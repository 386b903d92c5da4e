// cuBLAS. The guest checks the arguments as the documentation says and describes the operation in one structure
// (../wire-blas.ts); the executor carries it out. Prototypes are those of the documentation of CUDA 13 and of bindings
// that were generated from NVIDIA's header; version 12 has the same.
import type { CallEntry } from '../schema.js';
import { bytesIn, local, out, type RemoteOptions, remote } from './define.js';

const status = (why: string, prototypes: readonly string[]): CallEntry[] =>
  prototypes.map((text) => local('cublas', 0, `cublasStatus_t ${text}`, why));

/** A function for each of several types: `#` in its name stands for the letter, `T` for the type. */
function typed(letters: string, text: string): string[] {
  const types: Readonly<Record<string, string>> = {
    S: 'float',
    D: 'double',
    H: '__half',
    s: 'float',
    d: 'double',
  };
  return [...letters].map((letter) => text.replace('#', letter).replace(/\bT\b/g, types[letter] ?? ''));
}

const FORM = 'cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n, int k';
const FORM_VECTOR = 'cublasHandle_t handle, cublasOperation_t trans, int m, int n';
const FORM_SOLVE =
  'cublasHandle_t handle, cublasSideMode_t side, cublasFillMode_t uplo, cublasOperation_t trans, cublasDiagType_t diag, int m, int n';

const products = [
  ...['SD', 'H'].flatMap((letters) =>
    typed(
      letters,
      `cublas#gemm${letters === 'H' ? '' : '_v2'}(${FORM}, const T *alpha, const T *A, int lda, const T *B, int ldb, const T *beta, T *C, int ldc)`,
    ),
  ),
  ...typed(
    'SDH',
    `cublas#gemmBatched(${FORM}, const T *alpha, const T *const *Aarray, int lda, const T *const *Barray, int ldb, const T *beta, T *const *Carray, int ldc, int batchCount)`,
  ),
  ...typed(
    'SDH',
    `cublas#gemmStridedBatched(${FORM}, const T *alpha, const T *A, int lda, long long int strideA, const T *B, int ldb, long long int strideB, const T *beta, T *C, int ldc, long long int strideC, int batchCount)`,
  ),
  `cublasSgemmEx(${FORM}, const float *alpha, const void *A, cudaDataType Atype, int lda, const void *B, cudaDataType Btype, int ldb, const float *beta, void *C, cudaDataType Ctype, int ldc)`,
  `cublasGemmEx(${FORM}, const void *alpha, const void *A, cudaDataType Atype, int lda, const void *B, cudaDataType Btype, int ldb, const void *beta, void *C, cudaDataType Ctype, int ldc, cublasComputeType_t computeType, cublasGemmAlgo_t algo)`,
  `cublasGemmBatchedEx(${FORM}, const void *alpha, const void *const *Aarray, cudaDataType Atype, int lda, const void *const *Barray, cudaDataType Btype, int ldb, const void *beta, void *const *Carray, cudaDataType Ctype, int ldc, int batchCount, cublasComputeType_t computeType, cublasGemmAlgo_t algo)`,
  `cublasGemmStridedBatchedEx(${FORM}, const void *alpha, const void *A, cudaDataType Atype, int lda, long long int strideA, const void *B, cudaDataType Btype, int ldb, long long int strideB, const void *beta, void *C, cudaDataType Ctype, int ldc, long long int strideC, int batchCount, cublasComputeType_t computeType, cublasGemmAlgo_t algo)`,
  ...typed(
    'SD',
    `cublas#gemv_v2(${FORM_VECTOR}, const T *alpha, const T *A, int lda, const T *x, int incx, const T *beta, T *y, int incy)`,
  ),
  ...typed(
    'SD',
    `cublas#gemvBatched(${FORM_VECTOR}, const T *alpha, const T *const *Aarray, int lda, const T *const *xarray, int incx, const T *beta, T *const *yarray, int incy, int batchCount)`,
  ),
  ...typed(
    'SD',
    `cublas#gemvStridedBatched(${FORM_VECTOR}, const T *alpha, const T *A, int lda, long long int strideA, const T *x, int incx, long long int stridex, const T *beta, T *y, int incy, long long int stridey, int batchCount)`,
  ),
  ...typed(
    'SD',
    'cublas#ger_v2(cublasHandle_t handle, int m, int n, const T *alpha, const T *x, int incx, const T *y, int incy, T *A, int lda)',
  ),
];

const solves = [
  ...typed('SD', `cublas#trsm_v2(${FORM_SOLVE}, const T *alpha, const T *A, int lda, T *B, int ldb)`),
  ...typed(
    'SD',
    `cublas#trsmBatched(${FORM_SOLVE}, const T *alpha, const T *const *A, int lda, T *const *B, int ldb, int batchCount)`,
  ),
];

const vectors = [
  ...typed(
    'SD',
    'cublas#axpy_v2(cublasHandle_t handle, int n, const T *alpha, const T *x, int incx, T *y, int incy)',
  ),
  ...typed('SD', 'cublas#scal_v2(cublasHandle_t handle, int n, const T *alpha, T *x, int incx)'),
  ...typed('SD', 'cublas#copy_v2(cublasHandle_t handle, int n, const T *x, int incx, T *y, int incy)'),
  ...typed('SD', 'cublas#swap_v2(cublasHandle_t handle, int n, T *x, int incx, T *y, int incy)'),
  ...typed(
    'SD',
    'cublas#dot_v2(cublasHandle_t handle, int n, const T *x, int incx, const T *y, int incy, T *result)',
  ),
  ...['nrm2', 'asum'].flatMap((name) =>
    typed('SD', `cublas#${name}_v2(cublasHandle_t handle, int n, const T *x, int incx, T *result)`),
  ),
  ...['amax', 'amin'].flatMap((name) =>
    typed('sd', `cublasI#${name}_v2(cublasHandle_t handle, int n, const T *x, int incx, int *result)`),
  ),
];

export const cublas: readonly CallEntry[] = [
  ...status('keeps the settings of a handle', [
    'cublasCreate_v2(cublasHandle_t *handle)',
    'cublasDestroy_v2(cublasHandle_t handle)',
    'cublasGetVersion_v2(cublasHandle_t handle, int *version)',
    'cublasGetProperty(libraryPropertyType type, int *value)',
    'cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t workspaceSizeInBytes)',
    'cublasSetStream_v2(cublasHandle_t handle, cudaStream_t streamId)',
    'cublasGetStream_v2(cublasHandle_t handle, cudaStream_t *streamId)',
    'cublasGetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t *mode)',
    'cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode)',
    'cublasGetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t *mode)',
    'cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t mode)',
    'cublasGetMathMode(cublasHandle_t handle, cublasMath_t *mode)',
    'cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode)',
    'cublasGetSmCountTarget(cublasHandle_t handle, int *smCountTarget)',
    'cublasSetSmCountTarget(cublasHandle_t handle, int smCountTarget)',
  ]),
  local('cublas', 0, 'size_t cublasGetCudartVersion(void)', 'constant'),
  local('cublas', 0, 'const char *cublasGetStatusName(cublasStatus_t status)', 'constant'),
  local('cublas', 0, 'const char *cublasGetStatusString(cublasStatus_t status)', 'constant'),
  ...status('a copy of rows', [
    'cublasSetVector(int n, int elemSize, const void *x, int incx, void *devicePtr, int incy)',
    'cublasGetVector(int n, int elemSize, const void *x, int incx, void *y, int incy)',
    'cublasSetMatrix(int rows, int cols, int elemSize, const void *A, int lda, void *B, int ldb)',
    'cublasGetMatrix(int rows, int cols, int elemSize, const void *A, int lda, void *B, int ldb)',
    'cublasSetVectorAsync(int n, int elemSize, const void *hostPtr, int incx, void *devicePtr, int incy, cudaStream_t stream)',
    'cublasGetVectorAsync(int n, int elemSize, const void *devicePtr, int incx, void *hostPtr, int incy, cudaStream_t stream)',
    'cublasSetMatrixAsync(int rows, int cols, int elemSize, const void *A, int lda, void *B, int ldb, cudaStream_t stream)',
    'cublasGetMatrixAsync(int rows, int cols, int elemSize, const void *A, int lda, void *B, int ldb, cudaStream_t stream)',
  ]),
  ...status('describes the product for the executor', products),
  ...status('describes the system of equations for the executor', solves),
  ...status('describes the operation for the executor', vectors),
];

const internal = (text: string, options: RemoteOptions): CallEntry => remote('internal', 0, text, options);

/** What carries the operations out. `description` is one structure of ../wire-blas.ts. */
export const blas: readonly CallEntry[] = [
  // Fails where there is nothing that could multiply, so that cublasCreate says so and not the first product.
  internal('CUresult vgpuBlasOpen(void)', {}),
  ...['Multiply', 'Solve', 'Vector'].map((name) =>
    internal(`CUresult vgpuBlas${name}(const void *description, size_t bytes, CUstream stream)`, {
      roles: { description: bytesIn('bytes') },
      deferred: true,
    }),
  ),
  // A vgpu_blas_vector whose result the program wants at once: its bits.
  internal(
    'CUresult vgpuBlasReduce(unsigned long long *bits, const void *description, size_t bytes, CUstream stream)',
    {
      roles: { bits: out, description: bytesIn('bytes') },
      synchronises: true,
      whileCapturing: 'refused',
    },
  ),
];
