// What cuBLAS says about wrong arguments, what becomes of memory that is not there, and what a captured
// stream records.
//
//   cublas_errors libcublas.so.13
#include "cublas.h"

typedef struct CUgraph_st* CUgraph;
typedef struct CUgraphExec_st* CUgraphExec;

enum { M = 3, ELEMENTS = M * M };

static float one = 1, zero = 0;
static struct array a, b, c;

static int gemm(cublasHandle_t handle, int transa, int transb, int m, int n, int k, int lda, int ldb,
                int ldc) {
  return cublasSgemm_v2(handle, transa, transb, m, n, k, &one, pointer(&a), lda, pointer(&b), ldb, &zero,
                        pointer(&c), ldc);
}

static int gemm_ex(int type_a, int type_b, int type_c, int compute) {
  return cublasGemmEx(cublas_handle, 0, 0, 1, 1, 1, &one, pointer(&a), type_a, 1, pointer(&b), type_b, 1,
                      &zero, pointer(&c), type_c, 1, compute, CUBLAS_GEMM_DEFAULT);
}

static void wrong_arguments(void) {
  const cublasHandle_t handle = cublas_handle;
  EXPECT_STATUS(gemm(NULL, 0, 0, M, M, M, M, M, M), CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_STATUS(gemm((cublasHandle_t)&one, 0, 0, M, M, M, M, M, M), CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_STATUS(gemm(handle, 9, 0, M, M, M, M, M, M), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(gemm(handle, 0, -1, M, M, M, M, M, M), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(gemm(handle, 0, 0, -1, M, M, M, M, M), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(gemm(handle, 0, 0, M, M, M, M - 1, M, M), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(gemm(handle, 0, 0, M, M, M, M, -5, M), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(gemm(handle, 0, 0, M, M, M, M, M, 0), CUBLAS_STATUS_INVALID_VALUE);
  // The rows of what lies in memory count, not those of the operation.
  EXPECT_STATUS(gemm(handle, 1, 0, M, M, 2, 1, 2, M), CUBLAS_STATUS_INVALID_VALUE);
  CHECK(gemm(handle, 1, 0, M, M, 1, 1, 1, M));
  CHECK(gemm(handle, 0, 0, 0, M, M, M, M, M));
  EXPECT_STATUS(
      cublasSgemm_v2(handle, 0, 0, 1, 1, 1, NULL, pointer(&a), 1, pointer(&b), 1, &zero, pointer(&c), 1),
      CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasSgemm_v2(handle, 0, 0, 1, 1, 1, &one, pointer(&a), 1, pointer(&b), 1, &zero, NULL, 1),
                CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasSgemmStridedBatched(handle, 0, 0, 1, 1, 1, &one, pointer(&a), 1, 1, pointer(&b), 1, 1,
                                          &zero, pointer(&c), 1, 1, -1),
                CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(gemm_ex(CUDA_R_32F, CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_STATUS(gemm_ex(CUDA_R_16F, CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_16F), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_STATUS(gemm_ex(CUDA_R_64F, CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_32F), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_STATUS(gemm_ex(CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, 12345), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_STATUS(cublasSetPointerMode_v2(handle, 7), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasSetMathMode(handle, 5), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasSetWorkspace_v2(handle, (void*)1, 4096), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasGetVersion_v2(handle, NULL), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasCreate_v2(NULL), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_STATUS(cublasCgemm_v2(), CUBLAS_STATUS_NOT_SUPPORTED);
}

static void versions(const char* library) {
  int version = 0, major = 0;
  CHECK(cublasGetVersion_v2(cublas_handle, &version));
  CHECK(cublasGetProperty(0, &major));
  const int expected = strstr(library, ".13") != NULL ? 13 : 12;
  REQUIRE(major == expected && version / 10000 == expected, "%s says %d, version %d", library, major,
          version);
}

static void* driver_function(const char* name) {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != NULL, "%s", dlerror());
  return driver_symbol(library, name);
}

static double first(const struct array* array) {
  download(array);
  return get(array->host, 0, array->type);
}

static void captured(void) {
  CUresult (*begin)(CUstream, int) = (CUresult(*)(CUstream, int))driver_function("cuStreamBeginCapture_v2");
  CUresult (*end)(CUstream, CUgraph*) =
      (CUresult(*)(CUstream, CUgraph*))driver_function("cuStreamEndCapture");
  CUresult (*instantiate)(CUgraphExec*, CUgraph, unsigned long long) =
      (CUresult(*)(CUgraphExec*, CUgraph, unsigned long long))driver_function("cuGraphInstantiateWithFlags");
  CUresult (*launch)(CUgraphExec, CUstream) =
      (CUresult(*)(CUgraphExec, CUstream))driver_function("cuGraphLaunch");
  CUresult (*nodes)(CUgraph, void**, size_t*) =
      (CUresult(*)(CUgraph, void**, size_t*))driver_function("cuGraphGetNodes");
  CUresult (*type)(void*, int*) = (CUresult(*)(void*, int*))driver_function("cuGraphNodeGetType");
  CUstream stream, found;
  CUgraph graph;
  CUgraphExec exec;
  float result = 0;
  for (int i = 0; i < ELEMENTS; ++i) {
    put(a.host, (size_t)i, CUDA_R_32F, 2);
    put(b.host, (size_t)i, CUDA_R_32F, 3);
    put(c.host, (size_t)i, CUDA_R_32F, 0);
  }
  upload(&a);
  upload(&b);
  upload(&c);
  CHECK(cuStreamCreate(&stream, 1));
  CHECK(cublasSetStream_v2(cublas_handle, stream));
  CHECK(cublasGetStream_v2(cublas_handle, &found));
  REQUIRE(found == stream, "another stream");
  CHECK(begin(stream, 0));
  float alpha = 1;
  CHECK(cublasSgemm_v2(cublas_handle, 0, 0, 1, 1, 1, &alpha, pointer(&a), 1, pointer(&b), 1, &one,
                       pointer(&c), 1));
  CHECK(cublasSaxpy_v2(cublas_handle, 1, &one, pointer(&a), 1, pointer(&c), 1));
  alpha = 100;  // the value at the time of the call counts
  CHECK(end(stream, &graph));
  REQUIRE(first(&c) == 0, "a captured product was carried out");
  void* list[4];
  size_t count = 4;
  int node_type = -1;
  CHECK(nodes(graph, list, &count));
  REQUIRE(count == 2, "%zu nodes", count);
  CHECK(type(list[0], &node_type));
  REQUIRE(node_type == 0, "a node of type %d, not a kernel", node_type);
  CHECK(instantiate(&exec, graph, 0));
  for (int i = 1; i <= 3; ++i) {
    CHECK(launch(exec, stream));
    REQUIRE(first(&c) == i * 8, "after %d launches %g", i, first(&c));
  }
  // A result for the host at once cannot be recorded, and spoils the capture.
  CHECK(begin(stream, 0));
  EXPECT_STATUS(cublasSdot_v2(cublas_handle, 1, pointer(&a), 1, pointer(&b), 1, &result),
                CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_STATUS(end(stream, &graph), 901);
  CHECK(cublasSetStream_v2(cublas_handle, NULL));
}

static void stray(void) {
  // A matrix that reaches beyond its allocation: nothing is computed, and the context is dead.
  CHECK(cublasSgemm_v2(cublas_handle, 0, 0, M, 1 << 20, M, &one, pointer(&a), M, pointer(&b), M, &zero,
                       pointer(&c), M));
  EXPECT_STATUS(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_STATUS(gemm(cublas_handle, 0, 0, M, M, M, M, M, M), CUBLAS_STATUS_EXECUTION_FAILED);
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2, "usage: %s LIBRARY", argv[0]);
  open_cublas(argv[1]);
  a = make_array(CUDA_R_32F, ELEMENTS);
  b = make_array(CUDA_R_32F, ELEMENTS);
  c = make_array(CUDA_R_32F, ELEMENTS);
  versions(argv[1]);
  wrong_arguments();
  captured();
  stray();
  CHECK(cublasDestroy_v2(cublas_handle));
  EXPECT_STATUS(cublasDestroy_v2(cublas_handle), CUBLAS_STATUS_NOT_INITIALIZED);
  printf("ok wrong arguments, captures and stray matrices\n");
  return 0;
}
