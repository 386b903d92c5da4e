// cuBLAS on the real backend, over a library that records what it is asked.
#include <bit>
#include <cstring>

#include "backends/real/loader_cache.h"
#include "real_backend_fixture.h"

using namespace vgpu::executor;
using namespace vgpu::executor::test;

namespace {

template <typename Structure>
std::span<const std::byte> bytes_of(const Structure& structure) {
  return std::as_bytes(std::span(&structure, 1));
}

std::uint64_t bits(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
std::uint64_t bits(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

/// Two by three times three by four.
vgpu_blas_product product() {
  return {.a = 0x1000,
          .lda = 5,
          .b = 0x2000,
          .ldb = 6,
          .c = 0x3000,
          .ldc = 7,
          .stride_a = 0,
          .stride_b = 0,
          .stride_c = 0,
          .alpha = bits(2.0F),
          .beta = bits(3.0F),
          .m = 2,
          .n = 4,
          .k = 3,
          .batch_count = 1,
          .type_a = CUDA_R_16F,
          .type_b = CUDA_R_16F,
          .type_c = CUDA_R_32F,
          .compute = CUBLAS_COMPUTE_32F,
          .operation_a = CUBLAS_OP_T,
          .operation_b = CUBLAS_OP_N,
          .math_mode = CUBLAS_DEFAULT_MATH,
          .flags = 0};
}

struct BlasFixture : RealFixture {
  CUresult multiply(const vgpu_blas_product& given, Handle stream = 0) {
    return result([&] { return backend->vgpuBlasMultiply(context, bytes_of(given), stream); });
  }
  CUresult solve(const vgpu_blas_solve& given) {
    return result([&] { return backend->vgpuBlasSolve(context, bytes_of(given), 0); });
  }
  CUresult change(const vgpu_blas_vector& given) {
    return result([&] { return backend->vgpuBlasVector(context, bytes_of(given), 0); });
  }
  /// The line of the last call.
  static std::string last_call() {
    std::string lines = calls();
    if (lines.empty()) return lines;
    lines.pop_back();
    return lines.substr(lines.rfind('\n') + 1);
  }
};

}  // namespace

TEST_CASE("one handle for each context, made when it is asked for and given back with it") {
  BlasFixture real;
  Handle other = 0;
  REQUIRE(real.backend->vgpuContextCreate(0, other, 0, 0) == CUDA_SUCCESS);
  RealFixture::calls();
  for (const Handle context : {real.context, real.context, other}) {
    REQUIRE_MESSAGE(real.result([&] { return real.backend->vgpuBlasOpen(context); }) == CUDA_SUCCESS,
                    real.message);
  }
  std::string lines = RealFixture::calls();
  CHECK_MESSAGE(RealFixture::count(lines, "cublasCreate_v2") == 2, lines);
  REQUIRE(real.backend->vgpuContextDestroy(0, other) == CUDA_SUCCESS);
  lines = RealFixture::calls();
  CHECK_MESSAGE(lines.find("cublasDestroy_v2") < lines.find("cuCtxDestroy_v2"), lines);
  REQUIRE(real.backend->cuDevicePrimaryCtxReset_v2(0, 0) == CUDA_SUCCESS);
  CHECK(RealFixture::count(RealFixture::calls(), "cublasDestroy_v2") == 1);
}

TEST_CASE("a product: stream, modes and every argument arrive") {
  BlasFixture real;
  Handle stream = 0;
  REQUIRE(real.backend->cuStreamCreate(real.context, stream, 0) == CUDA_SUCCESS);
  vgpu_blas_product given = product();
  given.math_mode = CUBLAS_TF32_TENSOR_OP_MATH;
  REQUIRE_MESSAGE(real.multiply(given, stream) == CUDA_SUCCESS, real.message);
  const std::string lines = RealFixture::calls();
  CHECK_MESSAGE(lines.find("cublasSetStream_v2 stream=257\ncublasSetPointerMode_v2 mode=0\n"
                           "cublasSetMathMode mode=3\n"
                           "cublasGemmEx ops=10 m=2 n=4 k=3 alpha=2 A=4096 Atype=2 lda=5 B=8192 ldb=6 beta=3 "
                           "C=12288 Ctype=0 ldc=7 compute=68 default=1\n") != std::string::npos,
                lines);
  given.flags = VGPU_BLAS_ALPHA_ON_DEVICE | VGPU_BLAS_BETA_ON_DEVICE;
  given.alpha = 0x5000;
  REQUIRE(real.multiply(given) == CUDA_SUCCESS);
  const std::string on_device = BlasFixture::last_call();
  CHECK_MESSAGE(on_device.find("alpha=20480") != std::string::npos, on_device);
  CHECK(real.multiply(given, 0x1234) == CUDA_ERROR_INVALID_HANDLE);
}

TEST_CASE("batches: at a stride, and by arrays of pointers") {
  BlasFixture real;
  vgpu_blas_product given = product();
  given.batch_count = 9;
  given.stride_a = 10;
  given.stride_b = 20;
  given.stride_c = 30;
  REQUIRE(real.multiply(given) == CUDA_SUCCESS);
  CHECK(BlasFixture::last_call() == "cublasGemmStridedBatchedEx strideA=10 strideB=20 strideC=30 batch=9");
  given.flags = VGPU_BLAS_POINTER_ARRAYS;
  REQUIRE(real.multiply(given) == CUDA_SUCCESS);
  CHECK(BlasFixture::last_call() == "cublasGemmBatchedEx A=4096 B=8192 C=12288 batch=9");
}

TEST_CASE("a product with a vector becomes what the program called: a vector may lie backwards") {
  BlasFixture real;
  vgpu_blas_product given = product();
  given.type_a = given.type_b = CUDA_R_32F;
  given.m = 1;
  given.lda = -2;
  given.operation_a = CUBLAS_OP_N;
  given.operation_b = CUBLAS_OP_T;
  REQUIRE(real.multiply(given) == CUDA_SUCCESS);
  CHECK(BlasFixture::last_call() ==
        "cublasSgemv_v2 op=0 m=4 n=3 alpha=2 A=8192 lda=6 x=4096 incx=2 beta=3 y=12288 incy=7");
  given.operation_b = CUBLAS_OP_N;
  REQUIRE(real.multiply(given) == CUDA_SUCCESS);
  CHECK(BlasFixture::last_call().starts_with("cublasSgemv_v2 op=1 m=3 n=4 "));
  // gemv would leave C alone.
  given.k = 0;
  given.lda = 1;
  REQUIRE(real.multiply(given) == CUDA_SUCCESS);
  CHECK(BlasFixture::last_call().starts_with("cublasGemmEx "));
}

TEST_CASE("a rank-one update: alpha on the device, the host's one for beta") {
  BlasFixture real;
  vgpu_blas_product given = product();
  given.type_a = given.type_b = given.type_c = CUDA_R_64F;
  given.compute = CUBLAS_COMPUTE_64F;
  given.k = 1;
  given.lda = -5;
  given.alpha = 0x5000;
  given.beta = bits(1.0);
  given.flags = VGPU_BLAS_ALPHA_ON_DEVICE;
  REQUIRE_MESSAGE(real.multiply(given) == CUDA_SUCCESS, real.message);
  CHECK(BlasFixture::last_call() ==
        "cublasDger_v2 m=2 n=4 alpha=20480 x=4096 incx=5 y=8192 incy=6 A=12288 lda=7");
  given.beta = bits(2.0);
  CHECK_MESSAGE(real.multiply(given) == CUDA_ERROR_INVALID_VALUE, "cuBLAS has one mode for both scalars");
}

TEST_CASE("a triangular system") {
  BlasFixture real;
  const vgpu_blas_solve given{.a = 0x1000,
                              .lda = 3,
                              .b = 0x2000,
                              .ldb = 4,
                              .stride_a = 0,
                              .stride_b = 0,
                              .alpha = bits(2.0),
                              .m = 3,
                              .n = 2,
                              .batch_count = 1,
                              .type = CUDA_R_64F,
                              .side = CUBLAS_SIDE_RIGHT,
                              .fill = CUBLAS_FILL_MODE_UPPER,
                              .operation = CUBLAS_OP_T,
                              .diagonal = CUBLAS_DIAG_UNIT,
                              .math_mode = CUBLAS_DEFAULT_MATH,
                              .flags = 0};
  REQUIRE(real.solve(given) == CUDA_SUCCESS);
  CHECK(BlasFixture::last_call() ==
        "cublasDtrsm_v2 side=1 fill=1 op=1 diagonal=1 m=3 n=2 alpha=2 A=4096 lda=3 B=8192 ldb=4");
  vgpu_blas_solve batch = given;
  batch.batch_count = 2;
  CHECK(real.solve(batch) == CUDA_ERROR_NOT_SUPPORTED);
}

TEST_CASE("operations on vectors; a result for the host comes back, one for the device goes there") {
  BlasFixture real;
  vgpu_blas_vector given{.x = 0x1000,
                         .y = 0x2000,
                         .increment_x = 1,
                         .increment_y = 2,
                         .alpha = bits(5.0F),
                         .result = 0,
                         .operation = VGPU_BLAS_AXPY,
                         .count = 100,
                         .type = CUDA_R_32F,
                         .flags = 0};
  REQUIRE(real.change(given) == CUDA_SUCCESS);
  CHECK(BlasFixture::last_call() == "cublasSaxpy_v2 n=100 alpha=5 x=4096 incx=1 y=8192 incy=2");

  std::uint64_t result = 0;
  const auto reduce = [&] {
    return real.result(
        [&] { return real.backend->vgpuBlasReduce(real.context, result, bytes_of(given), 0); });
  };
  CHECK_MESSAGE(reduce() == CUDA_ERROR_INVALID_VALUE, "axpy has no result");
  given.operation = VGPU_BLAS_DOT;
  given.type = CUDA_R_64F;
  REQUIRE(reduce() == CUDA_SUCCESS);
  CHECK(result == bits(7.0));
  given.operation = VGPU_BLAS_IAMAX;
  given.type = CUDA_R_32F;
  REQUIRE(reduce() == CUDA_SUCCESS);
  CHECK(result == 7);
  given.result = 0x3000;
  REQUIRE(real.change(given) == CUDA_SUCCESS);
  CHECK(BlasFixture::last_call() == "cublasIsamax_v2 n=100 x=4096 result=12288");
}

TEST_CASE("what cuBLAS refuses, and what no guest sends, is an error with a name") {
  BlasFixture real;
  REQUIRE(real.multiply(product()) == CUDA_SUCCESS);
  vgpu_blas_product wide = product();
  wide.lda = std::int64_t{1} << 32;
  CHECK(real.multiply(wide) == CUDA_ERROR_INVALID_VALUE);
  CHECK(real.result([&] { return real.backend->vgpuBlasMultiply(real.context, {}, 0); }) ==
        CUDA_ERROR_INVALID_VALUE);
  for (const auto& [status, expected] : {std::pair{"3", CUDA_ERROR_OUT_OF_MEMORY},
                                         {"15", CUDA_ERROR_NOT_SUPPORTED},
                                         {"13", CUDA_ERROR_UNKNOWN}}) {
    recording().rule("cublasGemmEx", status);
    CHECK(real.multiply(product()) == expected);
    CHECK(real.message == std::string("the host's cublasGemmEx gives status ") + status);
  }
}

TEST_CASE("without a cuBLAS there is an error that says what to do") {
  std::string message;
  const auto open = [&](const std::vector<std::string>& paths, bool allow_guest) {
    try {
      const CublasLibrary library(paths, allow_guest);
      return CUDA_SUCCESS;
    } catch (const CallError& error) {
      message = error.what();
      return error.result();
    }
  };
  CHECK(open({"/nowhere/libcublas.so.13", "/lib/x86_64-linux-gnu/libc.so.6"}, false) ==
        CUDA_ERROR_NOT_INITIALIZED);
  for (const char* part : {"install", "--cublas", "/nowhere/libcublas.so.13", "libc.so.6 is no cuBLAS"})
    CHECK_MESSAGE(message.find(part) != std::string::npos, message);
  CHECK(open({recording_driver_path()}, false) == CUDA_ERROR_NOT_INITIALIZED);
  CHECK(message.find("is vgpu's guest library") != std::string::npos);
  CHECK(open({"/nowhere", recording_driver_path()}, true) == CUDA_SUCCESS);
}

TEST_CASE("no cuBLAS that is newer than the driver is tried") {
  CHECK(cublas_candidates({}, 13000) == std::vector<std::string>{"/usr/local/cuda/lib64/libcublas.so.13",
                                                                 "/usr/local/cuda/lib64/libcublas.so.12"});
  CHECK(cublas_candidates({}, 12080) == std::vector<std::string>{"/usr/local/cuda/lib64/libcublas.so.12"});
}
