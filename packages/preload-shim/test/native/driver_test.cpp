// Answers that need no executor call: devices, contexts per thread, entry points, texts, occupancy.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>

#include "peer.h"

extern "C" {

// Refused calls are in no header of ours.
int cuMipmappedArrayCreate();
int cudaMallocMipmappedArray();
}

namespace vgpu::test {
namespace {

TEST_CASE("devices are described by the handshake alone") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    Values values{cuInit(0)};
    int number = -1;
    std::size_t bytes = 0;
    char text[64];
    CUuuid uuid{};
    CUdevprop properties{};
    values.insert(values.end(), {cuDriverGetVersion(&number), number});
    values.insert(values.end(), {cuDeviceGetCount(&number), number});
    values.insert(values.end(), {cuDeviceGet(&number, 0), number});
    values.insert(values.end(), {cuDeviceTotalMem_v2(&bytes, 0), static_cast<std::int64_t>(bytes)});
    values.insert(values.end(), {cuDeviceGetName(text, sizeof text, 0), std::strcmp(text, "Fake GPU")});
    values.insert(values.end(), {cuDeviceGetName(text, 5, 0), std::strcmp(text, "Fake")});
    values.insert(values.end(),
                  {cuDeviceGetPCIBusId(text, sizeof text, 0), std::strcmp(text, "0000:0a:00.0")});
    values.insert(values.end(), {cuDeviceGetUuid_v2(&uuid, 0), uuid.bytes[15] & 0xff});
    values.insert(values.end(), {cuDeviceGetAttribute(&number, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0), number});
    int minor = 0;
    values.insert(values.end(), {cuDeviceComputeCapability(&number, &minor, 0), number * 10 + minor});
    values.insert(values.end(), {cuDeviceCanAccessPeer(&number, 0, 0), number});
    // One of the properties has no answer.
    values.push_back(cuDeviceGetProperties(&properties, 0));
    return values;
  });
  CHECK(outcome.values ==
        Values{0, 0, 13000, 0, 1, 0, 0, 0, 1 << 30, 0, 0, 0, 0, 0, 0, 0, 0xaf, 0, 32, 0, 75, 0, 0, 1});
  CHECK(executor.requests.empty());
}

TEST_CASE("wrong questions about devices have the documented answers") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    int number = 0;
    std::size_t bytes = 0;
    char text[8];
    return Values{cuInit(0),
                  cuDeviceGet(&number, 1),
                  cuDeviceGet(&number, -1),
                  cuDeviceGet(nullptr, 0),
                  cuDeviceGetCount(nullptr),
                  cuDeviceTotalMem_v2(&bytes, 7),
                  cuDeviceGetName(text, 0, 0),
                  cuDeviceGetAttribute(&number, static_cast<CUdevice_attribute>(0), 0),
                  cuDeviceGetAttribute(&number, static_cast<CUdevice_attribute>(9999), 0),
                  cuDeviceGetAttribute(&number, CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 0),
                  cuDeviceGetAttribute(&number, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 3)};
  });
  CHECK(outcome.values == Values{0, 101, 101, 1, 1, 101, 1, 1, 1, 1, 101});
}

TEST_CASE("a device is found by any way of writing its PCI address") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    Values values{cuInit(0)};
    for (const char* text :
         {"0000:0a:00.0", "0000:0A:00.0", "00000000:0a:00.0", "0a:00.0", "0a:00", "0000:0b:00.0", "0a", "",
          "0a:00.", "0a:00.8", "0a:20", "x:y", "1:2:3:4", "0000:0a:00.0 "}) {
      int device = -1;
      values.push_back(cuDeviceGetByPCIBusId(&device, text));
    }
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0, 0, 0, 0, 101, 1, 1, 1, 1, 1, 1, 1, 1});
}

TEST_CASE("each thread has its own stack of contexts") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    const auto first = reinterpret_cast<CUcontext>(kContext);
    const auto second = reinterpret_cast<CUcontext>(0x3003);
    CUcontext current = nullptr;
    CUdevice device = -1;
    Values values{cuInit(0)};
    const auto look = [&] {
      values.push_back(cuCtxGetCurrent(&current));
      values.push_back(static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(current)));
    };
    look();
    values.push_back(cuCtxGetDevice(&device));
    values.push_back(cuCtxCreate_v2(&current, 0, 0));
    look();
    values.push_back(cuCtxPushCurrent_v2(second));
    look();
    values.push_back(cuCtxGetDevice(&device));
    std::thread([&] { look(); }).join();
    values.push_back(cuCtxPopCurrent_v2(&current));
    values.push_back(current == second);
    values.push_back(cuCtxSetCurrent(second));
    look();
    values.push_back(cuCtxSetCurrent(nullptr));
    look();
    values.push_back(cuCtxPopCurrent_v2(&current));
    values.push_back(cuCtxPushCurrent_v2(first));
    values.push_back(cuCtxDestroy_v2(first));
    look();
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0, 201, 0,      0, kContext, 0, 0,   0x3003, 0, 0, 0,
                                 0, 1, 0, 0,   0x3003, 0, 0,        0, 201, 0,      0, 0, 0});
}

TEST_CASE("a context that the executor does not know does not become current") {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_vgpuContextDevice] = [](const Request&) {
    return failure(CUDA_ERROR_INVALID_CONTEXT);
  };
  const Outcome outcome = run_with(executor, [] {
    CUcontext current = nullptr;
    const auto unknown = reinterpret_cast<CUcontext>(0x99);
    return Values{cuInit(0),
                  cuCtxPushCurrent_v2(unknown),
                  cuCtxSetCurrent(unknown),
                  cuCtxPushCurrent_v2(nullptr),
                  cuCtxGetCurrent(&current),
                  current == nullptr};
  });
  CHECK(outcome.values == Values{0, 201, 201, 201, 0, 1});
}

TEST_CASE("a stack of contexts that never ends is stopped") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    Values values{cuInit(0)};
    CUresult result = CUDA_SUCCESS;
    int pushed = 0;
    while (result == CUDA_SUCCESS && pushed < 1000) {
      result = cuCtxPushCurrent_v2(reinterpret_cast<CUcontext>(kContext));
      pushed += result == CUDA_SUCCESS;
    }
    values.insert(values.end(), {result, pushed});
    return values;
  });
  CHECK(outcome.values == Values{0, CUDA_ERROR_OUT_OF_MEMORY, 32});
}

CUresult look_up(const char* name, int version, void** function, CUdriverProcAddressQueryResult* status) {
  return cuGetProcAddress_v2(name, function, version, CU_GET_PROC_ADDRESS_DEFAULT, status);
}

TEST_CASE("cuGetProcAddress gives the form that the asked version has") {
  struct Row {
    const char* name;
    void* expected;
    int version;
    CUdriverProcAddressQueryResult status;
  };
  const auto address = [](auto* function) { return reinterpret_cast<void*>(function); };
  const Row rows[] = {
      {"cuCtxCreate", address(cuCtxCreate_v4), 13000, CU_GET_PROC_ADDRESS_SUCCESS},
      {"cuCtxCreate", address(cuCtxCreate_v2), 12040, CU_GET_PROC_ADDRESS_SUCCESS},
      {"cuCtxCreate", nullptr, 2000, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT},
      {"cuMemAlloc", address(cuMemAlloc_v2), 12000, CU_GET_PROC_ADDRESS_SUCCESS},
      {"cuMemAlloc", address(cuMemAlloc_v2), 13010, CU_GET_PROC_ADDRESS_SUCCESS},
      {"cuGetProcAddress", address(cuGetProcAddress), 11030, CU_GET_PROC_ADDRESS_SUCCESS},
      {"cuGetProcAddress", address(cuGetProcAddress_v2), 12000, CU_GET_PROC_ADDRESS_SUCCESS},
      {"cuNoSuchThing", nullptr, 13000, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND},
      {"", nullptr, 13000, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND},
      // Exported so that programs load, but not to be found by those that can do without.
      {"cuMipmappedArrayCreate", nullptr, 13000, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND},
      {"cuMipmappedArrayCreate", nullptr, 13000, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CAPTURE(row.version);
    void* function = &function;
    CUdriverProcAddressQueryResult status{};
    CHECK(look_up(row.name, row.version, &function, &status) == CUDA_SUCCESS);
    CHECK(function == row.expected);
    CHECK(status == row.status);
    CHECK(look_up(row.name, row.version, &function, nullptr) == CUDA_SUCCESS);
    // The form of CUDA 11 has no status.
    CHECK(cuGetProcAddress(row.name, &function, row.version, 0) ==
          (row.expected == nullptr ? CUDA_ERROR_NOT_FOUND : CUDA_SUCCESS));
  }
}

TEST_CASE("cuGetProcAddress refuses what makes no sense") {
  void* function = nullptr;
  CHECK(cuGetProcAddress_v2(nullptr, &function, 13000, 0, nullptr) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuGetProcAddress_v2("cuInit", nullptr, 13000, 0, nullptr) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuGetProcAddress_v2("cuInit", &function, 14000, 0, nullptr) == CUDA_ERROR_INVALID_VALUE);
  CHECK(cuGetProcAddress_v2("cuInit", &function, 13000, 8, nullptr) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE("a program that looks up what its static runtime needs is told how to build it instead") {
  const Outcome outcome = run_guest({}, [] {
    void* function = nullptr;
    const int unknown = cuGetProcAddress_v2("cuMipmappedArrayCreate", &function, 13000, 0, nullptr);
    const int table = cuGetProcAddress_v2("cuGetExportTable", &function, 13000, 0, nullptr);
    return Values{unknown, table, function == nullptr};
  });
  CHECK(outcome.values == Values{0, 0, 1});
  CHECK(outcome.log.find("nvcc -cudart shared") != std::string::npos);
  // Looking for a function is no use of it.
  CHECK(outcome.log.find("cuMipmappedArrayCreate") == std::string::npos);
}

TEST_CASE("errors have names and texts, in each API its own") {
  const char* text = "unchanged";
  CHECK(cuGetErrorName(CUDA_ERROR_OUT_OF_MEMORY, &text) == CUDA_SUCCESS);
  CHECK(std::string(text) == "CUDA_ERROR_OUT_OF_MEMORY");
  CHECK(cuGetErrorString(CUDA_SUCCESS, &text) == CUDA_SUCCESS);
  CHECK(std::string(text) == "no error");
  CHECK(cuGetErrorName(static_cast<CUresult>(4711), &text) == CUDA_ERROR_INVALID_VALUE);
  CHECK(text == nullptr);
  CHECK(std::string(cudaGetErrorName(cudaErrorInvalidConfiguration)) == "cudaErrorInvalidConfiguration");
  CHECK(std::string(cudaGetErrorName(static_cast<cudaError_t>(4711))) == "unrecognized error code");
  // Only the runtime API has this one.
  CHECK(cuGetErrorName(static_cast<CUresult>(cudaErrorInvalidConfiguration), &text) ==
        CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE("what is not implemented says so, and is logged once") {
  const Outcome outcome = run_guest({}, [] {
    return Values{cuMipmappedArrayCreate(), cuMipmappedArrayCreate(), cudaMallocMipmappedArray(),
                  cudaGetLastError(), cudaGetLastError()};
  });
  CHECK(outcome.values == Values{801, 801, 801, 801, 0});
  CHECK(outcome.log.find("cuMipmappedArrayCreate is not implemented") != std::string::npos);
  CHECK(std::count(outcome.log.begin(), outcome.log.end(), '\n') == 2);
}

/// A kernel with these attributes on the fake device: 32 warps, 16 blocks, 65536 registers, 64 KiB shared.
struct Kernel {
  int registers;
  int shared;
  int most_threads;
};

FakeExecutor executor_with(const Kernel& kernel) {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_cuFuncGetAttribute] = [kernel](const Request& request) {
    switch (request.at<std::int32_t>(0)) {
      case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        return Answer{0, packed(kernel.most_threads)};
      case CU_FUNC_ATTRIBUTE_NUM_REGS:
        return Answer{0, packed(kernel.registers)};
      case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
        return Answer{0, packed(kernel.shared)};
      case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        return Answer{0, packed(std::int32_t{49152})};
      default:
        return failure(CUDA_ERROR_INVALID_VALUE);
    }
  };
  return executor;
}

TEST_CASE("occupancy is what the scarcest resource allows") {
  struct Row {
    Kernel kernel;
    int block;
    std::size_t dynamic;
    int blocks;
  };
  const Row rows[] = {
      {{16, 0, 1024}, 256, 0, 4},     // threads
      {{16, 0, 1024}, 32, 0, 16},     // blocks
      {{16, 0, 1024}, 33, 0, 16},     // a partial warp counts as one
      {{16, 0, 1024}, 96, 0, 10},     //
      {{128, 0, 1024}, 256, 0, 2},    // registers
      {{255, 0, 1024}, 256, 0, 1},    //
      {{255, 0, 1024}, 512, 0, 0},    //
      {{16, 32768, 1024}, 64, 0, 2},  // shared memory
      {{16, 32768, 1024}, 64, 1, 1},  //
      {{16, 0, 1024}, 64, 49152, 1},  //
      {{16, 0, 1024}, 64, 49153, 0},  // more than the function may have
      {{16, 0, 128}, 129, 0, 0},      // more than the kernel was made for
  };
  for (const Row& row : rows) {
    CAPTURE(row.kernel.registers);
    CAPTURE(row.kernel.shared);
    CAPTURE(row.block);
    FakeExecutor executor = executor_with(row.kernel);
    const Outcome outcome = run_with(executor, [&row] {
      int blocks = -1;
      const auto function = reinterpret_cast<CUfunction>(0x55);
      Values values{start_context(),
                    cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, row.block, row.dynamic)};
      values.push_back(blocks);
      return values;
    });
    CHECK(outcome.values == Values{0, 0, row.blocks});
  }
}

TEST_CASE("the suggested block size fills the multiprocessor") {
  FakeExecutor executor = executor_with({64, 0, 1024});
  const Outcome outcome = run_with(executor, [] {
    int grid = 0;
    int block = 0;
    const auto function = reinterpret_cast<CUfunction>(0x55);
    Values values{start_context()};
    values.push_back(cuOccupancyMaxPotentialBlockSize(&grid, &block, function, nullptr, 0, 0));
    values.insert(values.end(), {grid, block});
    values.push_back(cuOccupancyMaxPotentialBlockSize(&grid, &block, function, nullptr, 0, 100));
    values.insert(values.end(), {grid, block});
    // With 100 threads at most, 16 blocks of 64 beat 8 of 100.
    // 64 bytes per thread: 1024 threads would need all 64 KiB, which a block may not have.
    const auto shared = [](int threads) { return static_cast<std::size_t>(threads) * 64; };
    values.push_back(cuOccupancyMaxPotentialBlockSize(&grid, &block, function, shared, 0, 0));
    values.insert(values.end(), {grid, block});
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 4, 1024, 0, 64, 64, 0, 8, 512});
}

}  // namespace
}  // namespace vgpu::test
