// Copies and fills that reach beyond an allocation, in every form: each is refused before its first byte, and
// the memory on both sides is as it was.
#include <array>
#include <climits>
#include <cstdint>
#include <vector>

#include "driver_entry.h"

// Whole blocks of the allocator, so that nothing lies between them that would belong to nobody.
constexpr std::size_t kBytes = 64 * 1024;
constexpr unsigned char kPattern = 0x5a;

__device__ unsigned char variable[64];

struct Memory {
  char *before = nullptr, *target = nullptr, *after = nullptr;
  std::vector<char> host = std::vector<char>(4 * kBytes, 1);

  Memory() {
    for (char** block : {&before, &target, &after}) {
      CHECK(cudaMalloc(block, kBytes));
      CHECK(cudaMemset(*block, kPattern, kBytes));
    }
    CHECK(cudaMemset(symbol(), kPattern, sizeof variable));
  }

  static void* symbol() {
    void* address = nullptr;
    CHECK(cudaGetSymbolAddress(&address, variable));
    return address;
  }

  void require_untouched(const char* after_what) const {
    std::vector<unsigned char> found(kBytes);
    const auto require = [&](const void* block, std::size_t bytes) {
      CHECK(cudaMemcpy(found.data(), block, bytes, cudaMemcpyDeviceToHost));
      for (std::size_t i = 0; i < bytes; ++i)
        REQUIRE(found[i] == kPattern, "%s has written byte %zu", after_what, i);
    };
    for (const char* block : {before, target, after}) require(block, kBytes);
    require(symbol(), sizeof variable);
    for (char byte : host) REQUIRE(byte == 1, "%s has written the host's memory", after_what);
  }
};

#define REFUSED(call, expected)                  \
  do {                                           \
    EXPECT_STATUS((call), (expected));           \
    EXPECT_STATUS(cudaGetLastError(), expected); \
    memory.require_untouched(#call);             \
  } while (false)

static void test_rows(Memory& memory) {
  char *target = memory.target, *host = memory.host.data();
  const auto invalid = cudaErrorInvalidValue;
  // All rows but the last one's end lie inside.
  REFUSED(cudaMemcpy2D(target, 1024, host, 1024, 1000, 65, cudaMemcpyHostToDevice), invalid);
  REFUSED(cudaMemcpy2D(target + 25, 1024, host, 1024, 1000, 64, cudaMemcpyHostToDevice), invalid);
  REFUSED(cudaMemcpy2D(host, 1024, target, 1024, 1000, 65, cudaMemcpyDeviceToHost), invalid);
  REFUSED(cudaMemcpy2D(target, 1024, memory.before, 1024, 1000, 65, cudaMemcpyDeviceToDevice), invalid);
  REFUSED(cudaMemcpy2D(memory.after, 1024, target, 1040, 1000, 64, cudaMemcpyDeviceToDevice), invalid);
  // Products and sums that overflow.
  REFUSED(cudaMemcpy2D(target, SIZE_MAX / 2 + 1, host, 8, 8, 3, cudaMemcpyHostToDevice), invalid);
  REFUSED(cudaMemcpy2D(target, std::size_t{1} << 62, host, 8, 8, 5, cudaMemcpyHostToDevice), invalid);
  REFUSED(cudaMemcpy2D(target, 8, host, 8, 8, SIZE_MAX / 8 + 2, cudaMemcpyHostToDevice), invalid);
  REFUSED(cudaMemcpy2D(target, 8, host, 16, 16, 2, cudaMemcpyHostToDevice), cudaErrorInvalidPitchValue);
  REFUSED(cudaMemset2D(target, 1024, 1, 1000, 65), invalid);
  REFUSED(cudaMemset2D(target, SIZE_MAX / 2 + 1, 1, 8, 3), invalid);
  REFUSED(cudaMemset2DAsync(target, 1024, 1, 1024, 65, nullptr), invalid);
}

static void test_boxes(Memory& memory) {
  const auto box = [&](cudaPitchedPtr from, cudaPitchedPtr to, cudaExtent extent, cudaMemcpyKind kind) {
    cudaMemcpy3DParms parameters{};
    parameters.srcPtr = from;
    parameters.dstPtr = to;
    parameters.extent = extent;
    parameters.kind = kind;
    return parameters;
  };
  const cudaPitchedPtr host = make_cudaPitchedPtr(memory.host.data(), 256, 256, 16);
  const cudaPitchedPtr device = make_cudaPitchedPtr(memory.target, 256, 256, 16);
  // 4 KiB a slice: 16 slices fit.
  cudaMemcpy3DParms past = box(host, device, make_cudaExtent(200, 16, 17), cudaMemcpyHostToDevice);
  REFUSED(cudaMemcpy3D(&past), cudaErrorInvalidValue);
  REFUSED(cudaMemcpy3DAsync(&past, nullptr), cudaErrorInvalidValue);
  past = box(device, host, make_cudaExtent(200, 16, 17), cudaMemcpyDeviceToHost);
  REFUSED(cudaMemcpy3D(&past), cudaErrorInvalidValue);
  past = box(host, device, make_cudaExtent(200, 16, 16), cudaMemcpyHostToDevice);
  past.dstPos = make_cudaPos(0, 0, 1);
  REFUSED(cudaMemcpy3D(&past), cudaErrorInvalidValue);
  past.dstPos = make_cudaPos(SIZE_MAX - 100, 0, 0);
  REFUSED(cudaMemcpy3D(&past), cudaErrorInvalidValue);
  past.dstPos = make_cudaPos(0, 0, SIZE_MAX / 4096);
  REFUSED(cudaMemcpy3D(&past), cudaErrorInvalidValue);
  cudaPitchedPtr tall = device;
  tall.ysize = std::size_t{1} << 56;  // a slice of 2^64 bytes
  past = box(host, tall, make_cudaExtent(200, 16, 2), cudaMemcpyHostToDevice);
  REFUSED(cudaMemcpy3D(&past), cudaErrorInvalidValue);
  REFUSED(cudaMemset3D(device, 1, make_cudaExtent(200, 16, 17)), cudaErrorInvalidValue);
  REFUSED(cudaMemset3D(tall, 1, make_cudaExtent(200, 16, 2)), cudaErrorInvalidValue);
}

static void test_symbols(Memory& memory) {
  char* host = memory.host.data();
  const auto invalid = cudaErrorInvalidValue;
  REFUSED(cudaMemcpyToSymbol(variable, host, sizeof variable + 1), invalid);
  REFUSED(cudaMemcpyToSymbol(variable, host, 1, sizeof variable), invalid);
  REFUSED(cudaMemcpyToSymbol(variable, host, 8, SIZE_MAX - 3), invalid);
  REFUSED(cudaMemcpyFromSymbol(host, variable, sizeof variable + 1), invalid);
  REFUSED(cudaMemcpyFromSymbol(host, variable, SIZE_MAX), invalid);
  REFUSED(cudaMemcpyToSymbolAsync(variable, host, sizeof variable, 1, cudaMemcpyHostToDevice), invalid);
}

static void test_lines(Memory& memory) {
  char *target = memory.target, *host = memory.host.data();
  const auto invalid = cudaErrorInvalidValue;
  for (const std::size_t bytes : {kBytes + 1, 2 * kBytes, std::size_t{1} << 40, SIZE_MAX}) {
    REFUSED(cudaMemcpy(target, host, bytes, cudaMemcpyHostToDevice), invalid);
    REFUSED(cudaMemcpy(host, target, bytes, cudaMemcpyDeviceToHost), invalid);
    REFUSED(cudaMemcpy(target, memory.after, bytes, cudaMemcpyDeviceToDevice), invalid);
    REFUSED(cudaMemcpy(target, host, bytes, cudaMemcpyDefault), invalid);
    REFUSED(cudaMemcpyAsync(target, host, bytes, cudaMemcpyHostToDevice, nullptr), invalid);
    REFUSED(cudaMemset(target, 1, bytes), invalid);
    REFUSED(cudaMemsetAsync(target, 1, bytes, nullptr), invalid);
  }
  REFUSED(cudaMemcpy(target + kBytes - 1, host, 2, cudaMemcpyHostToDevice), invalid);
  DRIVER(cuMemsetD32);
  DRIVER(cuMemsetD16);
  const auto address = reinterpret_cast<CUdeviceptr>(target);
  EXPECT(cuMemsetD32_(address, 1, kBytes / 4 + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemsetD32_(address, 1, (std::size_t{1} << 62) + 1),
         CUDA_ERROR_INVALID_VALUE);  // 4 bytes, modulo 2^64
  EXPECT(cuMemsetD16_(address, 1, (std::size_t{1} << 63) + 1), CUDA_ERROR_INVALID_VALUE);
  memory.require_untouched("cuMemset");
}

int main() {
  Memory memory;
  test_lines(memory);
  test_rows(memory);
  test_boxes(memory);
  test_symbols(memory);
  CHECK(cudaDeviceSynchronize());
  CHECK(cudaMemcpy(memory.target, memory.host.data(), kBytes, cudaMemcpyHostToDevice));
  return passed("copies beyond an allocation are refused before their first byte");
}
