// Enumerations of cuBLAS and of library_types.h, by their C names. No header of cuBLAS is part of this repository; the
// values are those of NVIDIA's documentation of CUDA 13 and of bindings that were generated from the header.

/** The status codes, with the text of cublasGetStatusString. */
export const cublasStatuses = {
  CUBLAS_STATUS_SUCCESS: { value: 0, text: 'success' },
  CUBLAS_STATUS_NOT_INITIALIZED: { value: 1, text: 'the library was not initialized' },
  CUBLAS_STATUS_ALLOC_FAILED: { value: 3, text: 'the resource allocation failed' },
  CUBLAS_STATUS_INVALID_VALUE: {
    value: 7,
    text: 'an unsupported value or parameter was passed to the function',
  },
  CUBLAS_STATUS_ARCH_MISMATCH: {
    value: 8,
    text: 'the function requires an architectural feature absent from the architecture of the device',
  },
  CUBLAS_STATUS_MAPPING_ERROR: { value: 11, text: 'an access to GPU memory space failed' },
  CUBLAS_STATUS_EXECUTION_FAILED: { value: 13, text: 'the function failed to launch on the GPU' },
  CUBLAS_STATUS_INTERNAL_ERROR: { value: 14, text: 'an internal operation failed' },
  CUBLAS_STATUS_NOT_SUPPORTED: {
    value: 15,
    text: 'the requested functionality is not supported',
  },
  CUBLAS_STATUS_LICENSE_ERROR: {
    value: 16,
    text: 'the functionality requested requires some license and an error was detected',
  },
} as const;

export const blasConstants = {
  cublasOperation_t: { CUBLAS_OP_N: 0, CUBLAS_OP_T: 1, CUBLAS_OP_C: 2 },
  cublasFillMode_t: { CUBLAS_FILL_MODE_LOWER: 0, CUBLAS_FILL_MODE_UPPER: 1, CUBLAS_FILL_MODE_FULL: 2 },
  cublasDiagType_t: { CUBLAS_DIAG_NON_UNIT: 0, CUBLAS_DIAG_UNIT: 1 },
  cublasSideMode_t: { CUBLAS_SIDE_LEFT: 0, CUBLAS_SIDE_RIGHT: 1 },
  cublasPointerMode_t: { CUBLAS_POINTER_MODE_HOST: 0, CUBLAS_POINTER_MODE_DEVICE: 1 },
  cublasAtomicsMode_t: { CUBLAS_ATOMICS_NOT_ALLOWED: 0, CUBLAS_ATOMICS_ALLOWED: 1 },
  cublasMath_t: {
    CUBLAS_DEFAULT_MATH: 0,
    CUBLAS_TENSOR_OP_MATH: 1,
    CUBLAS_PEDANTIC_MATH: 2,
    CUBLAS_TF32_TENSOR_OP_MATH: 3,
    CUBLAS_FP32_EMULATED_BF16X9_MATH: 4,
    CUBLAS_FP64_EMULATED_FIXEDPOINT_MATH: 8,
    CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION: 16,
  },
  cublasGemmAlgo_t: {
    CUBLAS_GEMM_DEFAULT: -1,
    CUBLAS_GEMM_ALGO0: 0,
    CUBLAS_GEMM_ALGO23: 23,
    CUBLAS_GEMM_DEFAULT_TENSOR_OP: 99,
    CUBLAS_GEMM_ALGO15_TENSOR_OP: 115,
    CUBLAS_GEMM_AUTOTUNE: 999,
  },
  cublasComputeType_t: {
    CUBLAS_COMPUTE_16F: 64,
    CUBLAS_COMPUTE_16F_PEDANTIC: 65,
    CUBLAS_COMPUTE_32F: 68,
    CUBLAS_COMPUTE_32F_PEDANTIC: 69,
    CUBLAS_COMPUTE_64F: 70,
    CUBLAS_COMPUTE_64F_PEDANTIC: 71,
    CUBLAS_COMPUTE_32I: 72,
    CUBLAS_COMPUTE_32I_PEDANTIC: 73,
    CUBLAS_COMPUTE_32F_FAST_16F: 74,
    CUBLAS_COMPUTE_32F_FAST_16BF: 75,
    CUBLAS_COMPUTE_32F_FAST_TF32: 77,
    CUBLAS_COMPUTE_32F_EMULATED_16BFX9: 78,
    CUBLAS_COMPUTE_64F_EMULATED_FIXEDPOINT: 79,
  },
  /** The real types that products are made of. */
  cudaDataType: {
    CUDA_R_32F: 0,
    CUDA_R_64F: 1,
    CUDA_R_16F: 2,
    CUDA_R_8I: 3,
    CUDA_R_32I: 10,
    CUDA_R_16BF: 14,
  },
  libraryPropertyType: { MAJOR_VERSION: 0, MINOR_VERSION: 1, PATCH_LEVEL: 2 },
} as const;
