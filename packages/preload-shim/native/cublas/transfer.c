// Vectors and matrices between host and device: copies of rows. A vector is a matrix of one column, whose
// elements are the rows; a matrix's columns are the rows.
#include <stdbool.h>

#include "cublas/handle.h"
#include "guest_api.h"
#include "runtime/primary_context.h"

static cublasStatus_t copy(const CUDA_MEMCPY2D* rows, CUstream stream, bool wait) {
  if (rows->WidthInBytes == 0 || rows->Height == 0) return CUBLAS_STATUS_SUCCESS;
  CUresult result = vgpu_runtime_enter();
  if (result == CUDA_SUCCESS) result = cuMemcpy2DAsync_v2(rows, stream);
  if (result == CUDA_SUCCESS && wait) result = cuStreamSynchronize(stream);
  const cublasStatus_t status = vgpu_cublas_status(result);
  return status == CUBLAS_STATUS_EXECUTION_FAILED ? CUBLAS_STATUS_MAPPING_ERROR : status;
}

struct shape {
  size_t width, height, from_pitch, to_pitch;
};

static cublasStatus_t to_device(struct shape shape, const void* from, void* to, CUstream stream, bool wait) {
  const CUDA_MEMCPY2D rows = {
      .srcMemoryType = CU_MEMORYTYPE_HOST,
      .srcHost = from,
      .srcPitch = shape.from_pitch,
      .dstMemoryType = CU_MEMORYTYPE_DEVICE,
      .dstDevice = (CUdeviceptr)(uintptr_t)to,
      .dstPitch = shape.to_pitch,
      .WidthInBytes = shape.width,
      .Height = shape.height,
  };
  return copy(&rows, stream, wait);
}

static cublasStatus_t from_device(struct shape shape, const void* from, void* to, CUstream stream,
                                  bool wait) {
  const CUDA_MEMCPY2D rows = {
      .srcMemoryType = CU_MEMORYTYPE_DEVICE,
      .srcDevice = (CUdeviceptr)(uintptr_t)from,
      .srcPitch = shape.from_pitch,
      .dstMemoryType = CU_MEMORYTYPE_HOST,
      .dstHost = to,
      .dstPitch = shape.to_pitch,
      .WidthInBytes = shape.width,
      .Height = shape.height,
  };
  return copy(&rows, stream, wait);
}

static bool vector_shape(int n, int element_bytes, int from, int to, struct shape* shape) {
  if (from <= 0 || to <= 0 || element_bytes <= 0) return false;
  *shape = (struct shape){.width = (size_t)element_bytes,
                          .height = n < 0 ? 0 : (size_t)n,
                          .from_pitch = (size_t)from * (size_t)element_bytes,
                          .to_pitch = (size_t)to * (size_t)element_bytes};
  return true;
}

static bool matrix_shape(int rows, int columns, int element_bytes, int from, int to, struct shape* shape) {
  if (rows < 0 || columns < 0 || element_bytes <= 0 || from < rows || to < rows) return false;
  if (from <= 0 || to <= 0) return false;
  *shape = (struct shape){.width = (size_t)rows * (size_t)element_bytes,
                          .height = (size_t)columns,
                          .from_pitch = (size_t)from * (size_t)element_bytes,
                          .to_pitch = (size_t)to * (size_t)element_bytes};
  return true;
}

cublasStatus_t cublasSetVector(int n, int elemSize, const void* x, int incx, void* devicePtr, int incy) {
  struct shape shape;
  return vector_shape(n, elemSize, incx, incy, &shape) ? to_device(shape, x, devicePtr, NULL, true)
                                                       : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasGetVector(int n, int elemSize, const void* x, int incx, void* y, int incy) {
  struct shape shape;
  return vector_shape(n, elemSize, incx, incy, &shape) ? from_device(shape, x, y, NULL, true)
                                                       : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasSetMatrix(int rows, int cols, int elemSize, const void* A, int lda, void* B, int ldb) {
  struct shape shape;
  return matrix_shape(rows, cols, elemSize, lda, ldb, &shape) ? to_device(shape, A, B, NULL, true)
                                                              : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasGetMatrix(int rows, int cols, int elemSize, const void* A, int lda, void* B, int ldb) {
  struct shape shape;
  return matrix_shape(rows, cols, elemSize, lda, ldb, &shape) ? from_device(shape, A, B, NULL, true)
                                                              : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasSetVectorAsync(int n, int elemSize, const void* hostPtr, int incx, void* devicePtr,
                                    int incy, cudaStream_t stream) {
  struct shape shape;
  return vector_shape(n, elemSize, incx, incy, &shape) ? to_device(shape, hostPtr, devicePtr, stream, false)
                                                       : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasGetVectorAsync(int n, int elemSize, const void* devicePtr, int incx, void* hostPtr,
                                    int incy, cudaStream_t stream) {
  struct shape shape;
  return vector_shape(n, elemSize, incx, incy, &shape) ? from_device(shape, devicePtr, hostPtr, stream, false)
                                                       : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasSetMatrixAsync(int rows, int cols, int elemSize, const void* A, int lda, void* B,
                                    int ldb, cudaStream_t stream) {
  struct shape shape;
  return matrix_shape(rows, cols, elemSize, lda, ldb, &shape) ? to_device(shape, A, B, stream, false)
                                                              : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasGetMatrixAsync(int rows, int cols, int elemSize, const void* A, int lda, void* B,
                                    int ldb, cudaStream_t stream) {
  struct shape shape;
  return matrix_shape(rows, cols, elemSize, lda, ldb, &shape) ? from_device(shape, A, B, stream, false)
                                                              : CUBLAS_STATUS_INVALID_VALUE;
}
