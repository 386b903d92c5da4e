// The part of cuBLAS that the C programs here use, declared from its documentation and found at run time, and
// help to compare what it computes with a simple reference.
#ifndef VGPU_TEST_CUBLAS_H
#define VGPU_TEST_CUBLAS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "driver.h"

typedef struct cublasContext* cublasHandle_t;

enum {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_NOT_INITIALIZED = 1,
  CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_MAPPING_ERROR = 11,
  CUBLAS_STATUS_EXECUTION_FAILED = 13,
  CUBLAS_STATUS_NOT_SUPPORTED = 15,
  CUBLAS_OP_N = 0,
  CUBLAS_OP_T = 1,
  CUBLAS_OP_C = 2,
  CUBLAS_COMPUTE_16F = 64,
  CUBLAS_COMPUTE_32F = 68,
  CUBLAS_COMPUTE_64F = 70,
  CUBLAS_COMPUTE_32I = 72,
  CUBLAS_COMPUTE_32F_FAST_TF32 = 77,
  CUDA_R_32F = 0,
  CUDA_R_64F = 1,
  CUDA_R_16F = 2,
  CUDA_R_8I = 3,
  CUDA_R_32I = 10,
  CUDA_R_16BF = 14,
  CUBLAS_GEMM_DEFAULT = -1
};

#define FORM cublasHandle_t handle, int transa, int transb, int m, int n, int k

// Name and parameters; a name without "_v2" at its end is that of the library.
#define CUBLAS_FUNCTIONS(F)                                                                                  \
  F(cublasCreate_v2, (cublasHandle_t * handle))                                                              \
  F(cublasDestroy_v2, (cublasHandle_t handle))                                                               \
  F(cublasGetVersion_v2, (cublasHandle_t handle, int* version))                                              \
  F(cublasGetProperty, (int type, int* value))                                                               \
  F(cublasSetStream_v2, (cublasHandle_t handle, CUstream stream))                                            \
  F(cublasGetStream_v2, (cublasHandle_t handle, CUstream * stream))                                          \
  F(cublasSetPointerMode_v2, (cublasHandle_t handle, int mode))                                              \
  F(cublasGetPointerMode_v2, (cublasHandle_t handle, int* mode))                                             \
  F(cublasSetMathMode, (cublasHandle_t handle, int mode))                                                    \
  F(cublasGetMathMode, (cublasHandle_t handle, int* mode))                                                   \
  F(cublasSetWorkspace_v2, (cublasHandle_t handle, void* workspace, size_t bytes))                           \
  F(cublasSetMatrix, (int rows, int columns, int bytes, const void* a, int lda, void* b, int ldb))           \
  F(cublasGetMatrix, (int rows, int columns, int bytes, const void* a, int lda, void* b, int ldb))           \
  F(cublasSetVector, (int n, int bytes, const void* x, int incx, void* y, int incy))                         \
  F(cublasGetVector, (int n, int bytes, const void* x, int incx, void* y, int incy))                         \
  F(cublasSgemm_v2, (FORM, const float* alpha, const float* a, int lda, const float* b, int ldb,             \
                     const float* beta, float* c, int ldc))                                                  \
  F(cublasSgemmBatched, (FORM, const float* alpha, const float* const* a, int lda, const float* const* b,    \
                         int ldb, const float* beta, float* const* c, int ldc, int batch))                   \
  F(cublasSgemmStridedBatched,                                                                               \
    (FORM, const float* alpha, const float* a, int lda, long long stride_a, const float* b, int ldb,         \
     long long stride_b, const float* beta, float* c, int ldc, long long stride_c, int batch))               \
  F(cublasGemmEx, (FORM, const void* alpha, const void* a, int type_a, int lda, const void* b, int type_b,   \
                   int ldb, const void* beta, void* c, int type_c, int ldc, int compute, int algorithm))     \
  F(cublasGemmBatchedEx,                                                                                     \
    (FORM, const void* alpha, const void* const* a, int type_a, int lda, const void* const* b, int type_b,   \
     int ldb, const void* beta, void* const* c, int type_c, int ldc, int batch, int compute, int algorithm)) \
  F(cublasGemmStridedBatchedEx,                                                                              \
    (FORM, const void* alpha, const void* a, int type_a, int lda, long long stride_a, const void* b,         \
     int type_b, int ldb, long long stride_b, const void* beta, void* c, int type_c, int ldc,                \
     long long stride_c, int batch, int compute, int algorithm))                                             \
  F(cublasSgemv_v2, (cublasHandle_t handle, int trans, int m, int n, const float* alpha, const float* a,     \
                     int lda, const float* x, int incx, const float* beta, float* y, int incy))              \
  F(cublasSger_v2, (cublasHandle_t handle, int m, int n, const float* alpha, const float* x, int incx,       \
                    const float* y, int incy, float* a, int lda))                                            \
  F(cublasStrsm_v2, (cublasHandle_t handle, int side, int fill, int trans, int diagonal, int m, int n,       \
                     const float* alpha, const float* a, int lda, float* b, int ldb))                        \
  F(cublasStrsmBatched,                                                                                      \
    (cublasHandle_t handle, int side, int fill, int trans, int diagonal, int m, int n, const float* alpha,   \
     const float* const* a, int lda, float* const* b, int ldb, int batch))                                   \
  F(cublasSaxpy_v2,                                                                                          \
    (cublasHandle_t handle, int n, const float* alpha, const float* x, int incx, float* y, int incy))        \
  F(cublasDaxpy_v2,                                                                                          \
    (cublasHandle_t handle, int n, const double* alpha, const double* x, int incx, double* y, int incy))     \
  F(cublasSscal_v2, (cublasHandle_t handle, int n, const float* alpha, float* x, int incx))                  \
  F(cublasSswap_v2, (cublasHandle_t handle, int n, float* x, int incx, float* y, int incy))                  \
  F(cublasScopy_v2, (cublasHandle_t handle, int n, const float* x, int incx, float* y, int incy))            \
  F(cublasSdot_v2,                                                                                           \
    (cublasHandle_t handle, int n, const float* x, int incx, const float* y, int incy, float* result))       \
  F(cublasDdot_v2,                                                                                           \
    (cublasHandle_t handle, int n, const double* x, int incx, const double* y, int incy, double* result))    \
  F(cublasSnrm2_v2, (cublasHandle_t handle, int n, const float* x, int incx, float* result))                 \
  F(cublasDnrm2_v2, (cublasHandle_t handle, int n, const double* x, int incx, double* result))               \
  F(cublasSasum_v2, (cublasHandle_t handle, int n, const float* x, int incx, float* result))                 \
  F(cublasIsamax_v2, (cublasHandle_t handle, int n, const float* x, int incx, int* result))                  \
  F(cublasIsamin_v2, (cublasHandle_t handle, int n, const float* x, int incx, int* result))                  \
  F(cublasCgemm_v2, (void))

#define DECLARE_CUBLAS_FUNCTION(name, parameters) static int(*name) parameters;
CUBLAS_FUNCTIONS(DECLARE_CUBLAS_FUNCTION)

static cublasHandle_t cublas_handle;

/// Opens device, library ("libcublas.so.13") and a handle.
static inline void* open_cublas(const char* name) {
  open_device();
  void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != NULL, "%s", dlerror());
// By the version node: the two libraries are the same file.
#define LOAD_CUBLAS_FUNCTION(function, parameters)       \
  *(void**)&function = dlvsym(library, #function, name); \
  REQUIRE(function != NULL, "%s lacks %s", name, #function);
  CUBLAS_FUNCTIONS(LOAD_CUBLAS_FUNCTION)
  CHECK(cublasCreate_v2(&cublas_handle));
  return library;
}

static uint32_t random_state = 1;

/// From -8 to 8 in steps of 1/8, which every type but int8 has.
static inline double random_value(void) {
  random_state = random_state * 1664525u + 1013904223u;
  return (double)(int)(random_state >> 16 & 127) / 8 - 8;
}

static inline size_t bytes_of(int type) {
  return type == CUDA_R_64F ? 8 : type == CUDA_R_8I ? 1 : type == CUDA_R_16F || type == CUDA_R_16BF ? 2 : 4;
}

static inline uint16_t half_of(double value) {
  // Exact for the values here and for results that are representable; otherwise rounds to nearest even.
  if (value == 0) return signbit(value) ? 0x8000 : 0;
  if (isinf(value)) return value < 0 ? 0xfc00 : 0x7c00;
  int exponent = 0;
  const double fraction = frexp(fabs(value), &exponent);  // [0.5, 1)
  const int bias = exponent + 14 < 1 ? 1 : exponent + 14;
  const double mantissa = nearbyint(ldexp(fraction, exponent - (bias - 15) + 10));
  const uint32_t bits = (uint32_t)mantissa + (uint32_t)(bias - 1) * 1024;
  return (uint16_t)((bits > 0x7c00 ? 0x7c00 : bits) | (value < 0 ? 0x8000 : 0));
}

static inline double from_half(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double mantissa = bits & 1023;
  const double magnitude = exponent == 0    ? ldexp(mantissa, -24)
                           : exponent == 31 ? (mantissa == 0 ? INFINITY : NAN)
                                            : ldexp(mantissa + 1024, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

static inline void put(void* array, size_t index, int type, double value) {
  const float single = (float)value;
  uint32_t bits;
  switch (type) {
    case CUDA_R_32F:
      ((float*)array)[index] = single;
      break;
    case CUDA_R_64F:
      ((double*)array)[index] = value;
      break;
    case CUDA_R_16F:
      ((uint16_t*)array)[index] = half_of(value);
      break;
    case CUDA_R_16BF:
      memcpy(&bits, &single, sizeof bits);
      ((uint16_t*)array)[index] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
      break;
    case CUDA_R_8I:
      ((int8_t*)array)[index] = (int8_t)(value * 8);
      break;
    default:
      ((int32_t*)array)[index] = (int32_t)value;
  }
}

static inline double get(const void* array, size_t index, int type) {
  float single;
  uint32_t bits;
  switch (type) {
    case CUDA_R_32F:
      return ((const float*)array)[index];
    case CUDA_R_64F:
      return ((const double*)array)[index];
    case CUDA_R_16F:
      return from_half(((const uint16_t*)array)[index]);
    case CUDA_R_16BF:
      bits = (uint32_t)((const uint16_t*)array)[index] << 16;
      memcpy(&single, &bits, sizeof single);
      return single;
    case CUDA_R_8I:
      return ((const int8_t*)array)[index];
    default:
      return ((const int32_t*)array)[index];
  }
}

/// Host memory and its copy on the device.
struct array {
  int type;
  size_t count;
  void* host;
  CUdeviceptr device;
};

static inline void upload(const struct array* array) {
  CHECK(cuMemcpyHtoD(array->device, array->host, array->count * bytes_of(array->type)));
}

static inline void download(const struct array* array) {
  CHECK(cuMemcpyDtoH(array->host, array->device, array->count * bytes_of(array->type)));
}

/// With random values.
static inline struct array make_array(int type, size_t count) {
  struct array array = {type, count, calloc(count, bytes_of(type)), 0};
  REQUIRE(array.host != NULL, "no memory");
  for (size_t i = 0; i < count; ++i) put(array.host, i, type, random_value());
  CHECK(cuMemAlloc(&array.device, count * bytes_of(type)));
  upload(&array);
  return array;
}

static inline void free_array(struct array* array) {
  CHECK(cuMemFree(array->device));
  free(array->host);
}

static inline void* pointer(const struct array* array) {
  return (void*)(uintptr_t)array->device;
}

#endif
