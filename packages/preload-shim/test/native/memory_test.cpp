// Copies of rectangles, fills, host memory, pointers.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cstring>
#include <numeric>

#include "peer.h"

namespace vgpu::test {
namespace {

/// Device memory that the rectangle calls of the wire read and write.
struct FakeMemory {
  Bytes bytes = Bytes(std::size_t{24} << 20);
  FakeExecutor executor;

  FakeMemory() {
    executor.handlers[VGPU_CALL_vgpuCopyToDevice] = [this](const Request& request) {
      const auto length = request.at<std::uint64_t>(24);
      std::memcpy(at(request.at<std::uint64_t>(0)), request.payload.data() + 32, length);
      return Answer{};
    };
    executor.handlers[VGPU_CALL_vgpuCopyFromDevice] = [this](const Request& request) {
      const std::byte* from = at(request.at<std::uint64_t>(0));
      return Answer{0, Bytes(from, from + request.at<std::uint64_t>(8))};
    };
    executor.handlers[VGPU_CALL_vgpuCopyRowsToDevice] = [this](const Request& request) {
      const auto width = request.at<std::uint64_t>(16);
      const auto height = request.at<std::uint64_t>(24);
      const auto length = request.at<std::uint64_t>(40);
      CHECK(length == width * height);
      for (std::uint64_t row = 0; row < height; ++row) {
        std::memcpy(at(request.at<std::uint64_t>(0) + row * request.at<std::uint64_t>(8)),
                    request.payload.data() + 48 + row * width, width);
      }
      return Answer{};
    };
    executor.handlers[VGPU_CALL_vgpuCopyRowsFromDevice] = [this](const Request& request) {
      const auto width = request.at<std::uint64_t>(24);
      const auto height = request.at<std::uint64_t>(32);
      Bytes rows;
      for (std::uint64_t row = 0; row < height; ++row) {
        const std::byte* from = at(request.at<std::uint64_t>(8) + row * request.at<std::uint64_t>(16));
        rows.insert(rows.end(), from, from + width);
      }
      CHECK(rows.size() == request.at<std::uint64_t>(0));
      return Answer{0, rows};
    };
    executor.handlers[VGPU_CALL_vgpuPointerContext] = [](const Request& request) {
      return request.at<std::uint64_t>(0) < kAddressBase + 4096 ? Answer{0, packed(kContext)}
                                                                : failure(CUDA_ERROR_INVALID_VALUE);
    };
    executor.handlers[VGPU_CALL_cuMemGetAddressRange_v2] = [](const Request&) {
      return Answer{0, packed(kAddressBase, std::uint64_t{4096})};
    };
  }

  std::byte* at(std::uint64_t address) { return bytes.data() + (address - kAddressBase); }
};

CUDA_MEMCPY2D to_device(const void* host, std::size_t host_pitch, std::size_t device_pitch, std::size_t width,
                        std::size_t height) {
  CUDA_MEMCPY2D copy{};
  copy.srcMemoryType = CU_MEMORYTYPE_HOST;
  copy.srcHost = host;
  copy.srcPitch = host_pitch;
  copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.dstDevice = kAddressBase;
  copy.dstPitch = device_pitch;
  copy.WidthInBytes = width;
  copy.Height = height;
  return copy;
}

CUDA_MEMCPY2D to_host(void* host, std::size_t host_pitch, std::size_t device_pitch, std::size_t width,
                      std::size_t height) {
  CUDA_MEMCPY2D copy{};
  copy.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.srcDevice = kAddressBase;
  copy.srcPitch = device_pitch;
  copy.dstMemoryType = CU_MEMORYTYPE_HOST;
  copy.dstHost = host;
  copy.dstPitch = host_pitch;
  copy.WidthInBytes = width;
  copy.Height = height;
  return copy;
}

/// Writes a rectangle and reads it back: 1 when every byte inside came back and none outside changed.
Values round_trip(std::size_t host_pitch, std::size_t device_pitch, std::size_t width, std::size_t height) {
  std::vector<unsigned char> source(host_pitch * height);
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<unsigned char>(i % 251);
  std::vector<unsigned char> back(source.size(), 0xee);
  const CUDA_MEMCPY2D there = to_device(source.data(), host_pitch, device_pitch, width, height);
  const CUDA_MEMCPY2D here = to_host(back.data(), host_pitch, device_pitch, width, height);
  Values values{start_context(), cuMemcpy2D_v2(&there), cuMemcpy2DAsync_v2(&here, nullptr)};
  std::int64_t good = 1;
  for (std::size_t i = 0; i < back.size(); ++i) {
    if (back[i] != (i % host_pitch < width ? source[i] : 0xee)) good = 0;
  }
  values.push_back(good);
  return values;
}

TEST_CASE("rectangles go there and back, whatever their pitches and however many frames they need") {
  struct Row {
    std::size_t host_pitch, device_pitch, width, height, calls;
  };
  const std::size_t wide = VGPU_COPY_PIECE_BYTES + 100;
  const Row rows[] = {
      {10, 16, 10, 7, 1},           // nothing to pack on the host
      {13, 10, 10, 7, 1},           // gaps on the host
      {1, 512, 1, 1000, 1},         // narrow
      {1100, 2048, 1024, 9000, 3},  // 9 MB in three frames
      {wide + 3, wide, wide, 2, 0}  // rows that need two frames each
  };
  for (const Row& row : rows) {
    CAPTURE(row.width);
    FakeMemory memory;
    const Outcome outcome = run_with(memory.executor, [&row] {
      return round_trip(row.host_pitch, row.device_pitch, row.width, row.height);
    });
    CHECK(outcome.values == Values{0, 0, 0, 1});
    CHECK(memory.executor.of(VGPU_CALL_vgpuCopyRowsToDevice).size() == row.calls);
    CHECK(memory.executor.of(VGPU_CALL_vgpuCopyRowsFromDevice).size() == row.calls);
  }
}

TEST_CASE("a rectangle starts where its offsets say") {
  FakeMemory memory;
  const Outcome outcome = run_with(memory.executor, [] {
    std::vector<unsigned char> source(100);
    std::iota(source.begin(), source.end(), 0);
    CUDA_MEMCPY2D copy = to_device(source.data(), 10, 32, 3, 2);
    copy.srcXInBytes = 4;
    copy.srcY = 5;
    copy.dstXInBytes = 7;
    copy.dstY = 1;
    return Values{start_context(), cuMemcpy2D_v2(&copy)};
  });
  CHECK(outcome.values == Values{0, 0});
  CHECK(Bytes(memory.at(kAddressBase + 39), memory.at(kAddressBase + 42)) ==
        Bytes{std::byte{54}, std::byte{55}, std::byte{56}});
  CHECK(Bytes(memory.at(kAddressBase + 71), memory.at(kAddressBase + 74)) ==
        Bytes{std::byte{64}, std::byte{65}, std::byte{66}});
}

TEST_CASE("rectangles that do not fit their pitch, or have no memory, are refused") {
  FakeMemory memory;
  const Outcome outcome = run_with(memory.executor, [] {
    char host[64] = {};
    Values values{start_context()};
    const auto copy = [&values](const CUDA_MEMCPY2D& description) {
      values.push_back(cuMemcpy2D_v2(&description));
    };
    copy(to_device(host, 7, 16, 8, 2));
    copy(to_device(host, 8, 7, 8, 2));
    CUDA_MEMCPY2D shifted = to_device(host, 8, 16, 8, 2);
    shifted.srcXInBytes = 1;
    copy(shifted);
    copy(to_device(nullptr, 8, 16, 8, 2));
    CUDA_MEMCPY2D array = to_device(host, 8, 16, 8, 2);
    array.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    copy(array);
    copy(to_device(host, 8, 16, 0, 2));
    copy(to_device(host, 0, 0, 8, 1));
    values.push_back(cuMemcpy2D_v2(nullptr));
    return values;
  });
  CHECK(outcome.values == Values{0, 1, 1, 1, 1, 400, 0, 0, 1});
}

TEST_CASE("unified copies find out by the addresses where they go") {
  FakeMemory memory;
  const Outcome outcome = run_with(memory.executor, [] {
    int there = 4711;
    int here = 0;
    const auto address = [](int* pointer) { return reinterpret_cast<CUdeviceptr>(pointer); };
    Values values{start_context(),
                  cuMemcpy(kAddressBase, address(&there), sizeof there),
                  cuMemcpy(address(&here), kAddressBase, sizeof here),
                  here,
                  cuMemcpy(kAddressBase + 64, kAddressBase, 4),
                  cuMemcpy(address(&there), address(&here), sizeof here),
                  cuMemcpy(0, kAddressBase, 4),
                  cuMemcpy(kAddressBase, 0, 4),
                  cuMemcpy(0, 0, 0)};
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0, 4711, 0, 0, 1, 1, 0});
  CHECK(memory.executor.of(VGPU_CALL_vgpuCopyOnDevice).size() == 1);
  CHECK(memory.executor.of(VGPU_CALL_cuStreamSynchronize).size() == 1);
}

TEST_CASE("memory that the program cannot access fails its copy alone") {
  FakeMemory memory;
  const Outcome outcome = run_with(memory.executor, [] {
    constexpr std::size_t kBytes = 6 << 20;
    // The second half of each piece is missing.
    auto* readable =
        static_cast<char*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(readable + (2 << 20), kBytes - (2 << 20), PROT_NONE);
    int value = 7;
    int back = 0;
    return Values{start_context(),
                  cuMemcpyHtoD_v2(kAddressBase, readable, kBytes),
                  cuMemcpyHtoD_v2(kAddressBase, readable + (3 << 20), 100),
                  cuMemcpyDtoH_v2(readable, kAddressBase, kBytes),
                  cuMemcpyHtoD_v2(kAddressBase, &value, sizeof value),
                  cuMemcpyDtoH_v2(&back, kAddressBase, sizeof back),
                  back};
  });
  CHECK(outcome.values == Values{0, 1, 1, 1, 0, 0, 7});
  CHECK(outcome.log.find("memory cannot be read") != std::string::npos);
  CHECK(outcome.log.find("memory cannot be written") != std::string::npos);
}

TEST_CASE("a fill says elements, not bytes, and is checked before it travels") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    return Values{start_context(),
                  cuMemsetD32_v2(kAddressBase, 0x01020304, 100),
                  cuMemsetD2D16_v2(kAddressBase, 64, 0xabcd, 10, 3),
                  cuMemsetD8_v2(kAddressBase, 1, 0),
                  cuMemsetD32_v2(kAddressBase + 2, 0, 4),
                  cuMemsetD2D32_v2(kAddressBase, 30, 0, 4, 2),
                  cuMemsetD2D32_v2(kAddressBase, 12, 0, 4, 2),
                  cuMemsetD32_v2(kAddressBase, 0, SIZE_MAX)};
  });
  CHECK(outcome.values == Values{0, 0, 0, 0, 1, 1, 1, 1});
  const std::vector<Request> fills = executor.of(VGPU_CALL_vgpuFill);
  REQUIRE(fills.size() == 2);
  CHECK(fills[0].payload == packed(kAddressBase, std::uint64_t{400}, std::uint32_t{0x01020304},
                                   std::uint32_t{4}, std::uint64_t{100}, std::uint64_t{1}, std::uint64_t{0}));
  CHECK(fills[1].payload == packed(kAddressBase, std::uint64_t{64}, std::uint32_t{0xabcd}, std::uint32_t{2},
                                   std::uint64_t{10}, std::uint64_t{3}, std::uint64_t{0}));
}

TEST_CASE("host memory is the guest's own") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    void* memory = nullptr;
    unsigned flags = 99;
    Values values{start_context(), cuMemHostAlloc(&memory, 5000, 1)};
    std::memset(memory, 1, 5000);
    values.push_back(reinterpret_cast<std::uintptr_t>(memory) % 4096);
    values.push_back(cuMemHostGetFlags(&flags, static_cast<char*>(memory) + 4999));
    values.push_back(flags);
    values.push_back(cuMemHostGetFlags(&flags, static_cast<char*>(memory) + 5000));
    values.push_back(cuMemHostRegister_v2(static_cast<char*>(memory) + 100, 10, 0));
    values.push_back(cuMemHostUnregister(memory));
    values.push_back(cuMemFreeHost(static_cast<char*>(memory) + 1));
    values.push_back(cuMemFreeHost(memory));
    values.push_back(cuMemFreeHost(memory));
    values.push_back(cuMemHostAlloc(&memory, 0, 0));
    values.push_back(cuMemHostAlloc(&memory, 16, 64));
    values.push_back(cuMemHostAlloc(&memory, SIZE_MAX / 2, 0));
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0, 0, 1, 1, CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
                                 CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, 1, 0, 1, 1, 1,
                                 CUDA_ERROR_OUT_OF_MEMORY});
}

TEST_CASE("many host ranges are told apart") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    static char memory[200][64];
    Values values{start_context()};
    std::int64_t wrong = 0;
    // In an order that is neither rising nor falling.
    for (int i = 0; i < 200; ++i) {
      wrong += cuMemHostRegister_v2(memory[i * 77 % 200], 32, static_cast<unsigned>(i % 2)) != CUDA_SUCCESS;
    }
    for (int i = 0; i < 200; ++i) {
      unsigned flags = 9;
      wrong += cuMemHostGetFlags(&flags, &memory[i][31]) != CUDA_SUCCESS;
      wrong += cuMemHostGetFlags(&flags, &memory[i][32]) != CUDA_ERROR_INVALID_VALUE;
    }
    for (int i = 0; i < 200; ++i) wrong += cuMemHostUnregister(memory[i * 31 % 200]) != CUDA_SUCCESS;
    values.push_back(wrong);
    return values;
  });
  CHECK(outcome.values == Values{0, 0});
}

TEST_CASE("a pointer's attributes come from who knows it") {
  FakeMemory memory;
  const Outcome outcome = run_with(memory.executor, [] {
    Values values{start_context()};
    void* pinned = nullptr;
    values.push_back(cuMemAllocHost_v2(&pinned, 100));
    int local = 0;
    const CUdeviceptr pointers[] = {kAddressBase + 8, kAddressBase + 8192,
                                    reinterpret_cast<CUdeviceptr>(pinned),
                                    reinterpret_cast<CUdeviceptr>(&local)};
    for (const CUdeviceptr pointer : pointers) {
      unsigned type = 0;
      values.push_back(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, pointer));
      values.push_back(type);
      cudaPointerAttributes attributes{};
      values.push_back(cudaPointerGetAttributes(&attributes, reinterpret_cast<void*>(pointer)));
      values.push_back(attributes.type);
      values.push_back(attributes.device);
      values.push_back(attributes.devicePointer == reinterpret_cast<void*>(pointer));
      values.push_back(attributes.hostPointer == reinterpret_cast<void*>(pointer));
    }
    std::uint64_t start = 0;
    values.push_back(cuPointerGetAttribute(&start, CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, kAddressBase + 8));
    values.push_back(start == kAddressBase);
    return values;
  });
  CHECK(outcome.values == Values{0, 0,                  //
                                 0, 2, 0, 2, 0,  1, 0,  // device memory
                                 1, 0, 0, 0, -2, 0, 1,  // in the device's range, but in no allocation
                                 0, 1, 0, 1, 0,  0, 1,  // pinned
                                 1, 0, 0, 0, -2, 0, 1,  // the stack
                                 0, 1});
}

FakeExecutor executor_for_graph_memory() {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_cuStreamGetFlags] = [](const Request&) { return Answer{0, packed(0U)}; };
  executor.handlers[VGPU_CALL_cuMemAddressReserve] = [](const Request&) {
    return Answer{0, packed(kAddressBase)};
  };
  executor.handlers[VGPU_CALL_vgpuMemCreate] = [](const Request&) {
    return Answer{0, packed(std::uint64_t{5})};
  };
  return executor;
}

/// In the guest: a graph that allocates 16 bytes and does nothing else.
CUgraphExec allocating_graph(Values& values) {
  CUgraph graph = nullptr;
  CUgraphNode node = nullptr;
  CUgraphExec exec = nullptr;
  CUDA_MEM_ALLOC_NODE_PARAMS parameters{};
  parameters.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  parameters.poolProps.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  parameters.bytesize = 16;
  values.push_back(start_context());
  values.push_back(cuGraphCreate(&graph, 0));
  values.push_back(cuGraphAddMemAllocNode(&node, graph, nullptr, 0, &parameters));
  values.push_back(cuGraphInstantiateWithFlags(&exec, graph, 0));
  return exec;
}

TEST_CASE("memory that a graph could not make accessible is not used by its next launch") {
  FakeExecutor executor = executor_for_graph_memory();
  int asked = 0;
  executor.handlers[VGPU_CALL_vgpuMemSetAccess] = [&asked](const Request&) {
    return ++asked == 1 ? failure(CUDA_ERROR_OUT_OF_MEMORY) : Answer{};
  };
  const Outcome outcome = run_with(executor, [] {
    Values values;
    CUgraphExec exec = allocating_graph(values);
    values.push_back(cuGraphLaunch(exec, nullptr));
    values.push_back(cuGraphLaunch(exec, nullptr));
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0, 0, CUDA_ERROR_OUT_OF_MEMORY, 0});
  CHECK(executor.of(VGPU_CALL_cuMemMap).size() == 2);
  CHECK(executor.of(VGPU_CALL_vgpuMemSetAccess).size() == 2);
}

TEST_CASE("freeing a graph's memory waits for every stream, unless it is part of a stream itself") {
  FakeExecutor executor = executor_for_graph_memory();
  const Outcome outcome = run_with(executor, [] {
    Values values;
    CUgraphExec exec = allocating_graph(values);
    values.push_back(cuGraphLaunch(exec, nullptr));
    values.push_back(cuMemFreeAsync(kAddressBase, nullptr));
    values.push_back(cuGraphLaunch(exec, nullptr));
    values.push_back(cuMemFree_v2(kAddressBase));
    values.push_back(cuGraphLaunch(exec, nullptr));
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(executor.of(VGPU_CALL_vgpuContextSynchronize).size() == 1);
}

}  // namespace
}  // namespace vgpu::test
