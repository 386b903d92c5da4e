// The runtime API on top of the driver API: registration, lazy loading, last errors.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "peer.h"

namespace vgpu::test {
namespace {

constexpr std::uint64_t kModule = 0x4004;
constexpr std::uint64_t kFunction = 0x5005;
constexpr std::uint64_t kVariable = kAddressBase + 0x100;

// What nvcc makes of a translation unit: a fat binary, a wrapper around it, and stand-ins for kernels and
// variables.
struct FatBinary {
  std::uint32_t magic = 0xba55ed50;
  std::uint16_t version = 1;
  std::uint16_t header_bytes = 16;
  std::uint64_t bytes = 8;
  char content[8] = {'c', 'o', 'n', 't', 'e', 'n', 't', '1'};
};

struct Wrapper {
  std::uint32_t magic = 0x466243b1;
  std::uint32_t version = 1;
  const void* data;
  const void* unused = nullptr;
};

FatBinary fat_binary;
Wrapper wrapper{.data = &fat_binary};
void kernel_stub() {}
void unknown_stub() {}
int variable_shadow;

const void* stub(void (*function)()) {
  return reinterpret_cast<const void*>(function);
}

void** register_program() {
  void** handle = __cudaRegisterFatBinary(&wrapper);
  char name[] = "kernel";
  __cudaRegisterFunction(handle, static_cast<const char*>(stub(kernel_stub)), name, "kernel", -1, nullptr,
                         nullptr, nullptr, nullptr, nullptr);
  __cudaRegisterVar(handle, reinterpret_cast<char*>(&variable_shadow), name, "variable", 0, 16, 0, 0);
  __cudaRegisterFatBinaryEnd(handle);
  return handle;
}

std::string name_in(const Request& request) {
  const auto length = request.at<std::uint64_t>(8);
  return {reinterpret_cast<const char*>(request.payload.data()) + 16, length};
}

FakeExecutor executor_with_module() {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_vgpuModuleLoad] = [](const Request&) { return Answer{0, packed(kModule)}; };
  executor.handlers[VGPU_CALL_cuModuleGetFunction] = [](const Request& request) {
    return name_in(request) == "kernel" ? Answer{0, packed(kFunction)} : failure(CUDA_ERROR_NOT_FOUND);
  };
  executor.handlers[VGPU_CALL_vgpuModuleGetGlobal] = [](const Request& request) {
    return name_in(request) == "variable" ? Answer{0, packed(kVariable, std::uint64_t{16}, std::uint64_t{0})}
                                          : failure(CUDA_ERROR_NOT_FOUND);
  };
  executor.handlers[VGPU_CALL_cuFuncGetAttribute] = [](const Request& request) {
    const auto attribute = request.at<std::int32_t>(0);
    return Answer{0, packed(attribute == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? 1024 : 100 + attribute)};
  };
  executor.handlers[VGPU_CALL_cuFuncGetParamInfo] = [](const Request&) {
    return failure(CUDA_ERROR_INVALID_VALUE);
  };
  executor.handlers[VGPU_CALL_cuMemAlloc_v2] = [](const Request&) { return Answer{0, packed(kAddressBase)}; };
  return executor;
}

/// A <<<…>>> launch as nvcc's stub does it.
cudaError_t launch(void (*function)(), dim3 grid, dim3 block) {
  cudaKernel_t kernel = nullptr;
  __cudaGetKernel(&kernel, stub(function));
  if (__cudaPushCallConfiguration(grid, block, 0, nullptr) != 0) return cudaErrorUnknown;
  dim3 popped_grid{};
  dim3 popped_block{};
  std::size_t shared = 1;
  cudaStream_t stream = nullptr;
  cudaError_t error = __cudaPopCallConfiguration(&popped_grid, &popped_block, &shared, &stream);
  if (error == cudaSuccess)
    error = __cudaLaunchKernel(kernel, popped_grid, popped_block, nullptr, shared, stream);
  return error;
}

TEST_CASE("registering connects to nothing, and works without an executor") {
  Peer peer;
  const Outcome outcome = run_guest(peer.environment(), [] {
    void** handle = register_program();
    cudaKernel_t kernel = nullptr;
    Values values{handle != nullptr, __cudaGetKernel(&kernel, stub(kernel_stub)), kernel != nullptr};
    __cudaUnregisterFatBinary(handle);
    values.push_back(__cudaGetKernel(&kernel, stub(kernel_stub)));
    return values;
  });
  CHECK(outcome.values == Values{1, 0, 1, cudaErrorInvalidDeviceFunction});
  CHECK_FALSE(peer.has_caller(std::chrono::milliseconds(20)));
}

TEST_CASE("a module is loaded when it is first used, once") {
  FakeExecutor executor = executor_with_module();
  const Outcome outcome = run_with(executor, [] {
    register_program();
    void* memory = nullptr;
    Values values{cudaMalloc(&memory, 16)};
    for (int i = 0; i < 3; ++i) values.push_back(launch(kernel_stub, {2, 1, 1}, {32, 1, 1}));
    values.push_back(cudaLaunchKernel(stub(kernel_stub), {2, 1, 1}, {32, 1, 1}, nullptr, 0, nullptr));
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0, 0, 0});
  REQUIRE(executor.requests.size() > 3);
  CHECK(executor.requests[2].frame.call == VGPU_CALL_cuMemAlloc_v2);  // and no module before it
  const std::vector<Request> loads = executor.of(VGPU_CALL_vgpuModuleLoad);
  REQUIRE(loads.size() == 1);
  CHECK(loads[0].payload == packed(std::uint64_t{24}, fat_binary));
  CHECK(executor.of(VGPU_CALL_cuModuleGetFunction).size() == 1);
  CHECK(executor.of(VGPU_CALL_vgpuLaunchKernel).size() == 4);
  CHECK(executor.of(VGPU_CALL_cuDevicePrimaryCtxRetain).size() == 1);
}

TEST_CASE("threads that use a module together load it once") {
  FakeExecutor executor = executor_with_module();
  const Outcome outcome = run_with(executor, [] {
    register_program();
    std::atomic<int> failures = 0;
    std::vector<std::thread> threads;
    threads.reserve(16);
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&failures] {
        failures += launch(kernel_stub, {1, 1, 1}, {1, 1, 1}) != cudaSuccess;
      });
    }
    for (std::thread& thread : threads) thread.join();
    return Values{failures};
  });
  CHECK(outcome.values == Values{0});
  CHECK(executor.of(VGPU_CALL_vgpuModuleLoad).size() == 1);
  CHECK(executor.of(VGPU_CALL_cuDevicePrimaryCtxRetain).size() == 1);
  CHECK(executor.of(VGPU_CALL_vgpuLaunchKernel).size() == 16);
}

TEST_CASE("what is wrong with a launch is told apart") {
  FakeExecutor executor = executor_with_module();
  const Outcome outcome = run_with(executor, [] {
    register_program();
    return Values{
        launch(kernel_stub, {0, 1, 1}, {1, 1, 1}),
        cudaGetLastError(),
        launch(kernel_stub, {1, 1, 1}, {1025, 1, 1}),
        launch(unknown_stub, {1, 1, 1}, {1, 1, 1}),
        cudaLaunchKernel(stub(unknown_stub), {1, 1, 1}, {1, 1, 1}, nullptr, 0, nullptr),
        cudaLaunchKernel(nullptr, {1, 1, 1}, {1, 1, 1}, nullptr, 0, nullptr),
        cudaLaunchKernel(stub(kernel_stub), {1, 1, 1}, {1, 1, 1}, nullptr, std::size_t{1} << 32, nullptr),
        cudaLaunchKernelExC(nullptr, stub(kernel_stub), nullptr)};
  });
  CHECK(outcome.values == Values{9, 9, 9, 98, 98, 98, 1, 1});
}

TEST_CASE("a module that does not fit the device says so at each launch") {
  FakeExecutor executor = executor_with_module();
  executor.handlers[VGPU_CALL_vgpuModuleLoad] = [](const Request&) {
    return failure(CUDA_ERROR_NO_BINARY_FOR_GPU);
  };
  const Outcome outcome = run_with(executor, [] {
    register_program();
    void* address = nullptr;
    return Values{launch(kernel_stub, {1, 1, 1}, {1, 1, 1}), launch(kernel_stub, {1, 1, 1}, {1, 1, 1}),
                  cudaGetSymbolAddress(&address, &variable_shadow)};
  });
  CHECK(outcome.values == Values{209, 209, 209});
}

TEST_CASE("an error stays the last one until it is fetched; success does not clear it") {
  FakeExecutor executor = executor_with_module();
  const Outcome outcome = run_with(executor, [] {
    void* memory = nullptr;
    Values values{cudaGetLastError(), cudaSetDevice(5), cudaMalloc(&memory, 16), cudaPeekAtLastError()};
    // Each thread has its own.
    std::thread([&values] { values.push_back(cudaGetLastError()); }).join();
    values.insert(values.end(), {cudaGetLastError(), cudaGetLastError()});
    return values;
  });
  CHECK(outcome.values == Values{0, 101, 0, 101, 0, 101, 0});
}

TEST_CASE("an error that ends the context stays, for every thread and call") {
  FakeExecutor executor = executor_with_module();
  executor.handlers[VGPU_CALL_cuCtxSynchronize] = [](const Request&) {
    return failure(CUDA_ERROR_ILLEGAL_ADDRESS);
  };
  const Outcome outcome = run_with(executor, [] {
    register_program();
    void* memory = nullptr;
    Values values{launch(kernel_stub, {1, 1, 1}, {1, 1, 1}), cudaDeviceSynchronize()};
    values.insert(values.end(), {cudaGetLastError(), cudaGetLastError(), cudaPeekAtLastError()});
    values.insert(values.end(), {cudaMalloc(&memory, 16), launch(kernel_stub, {1, 1, 1}, {1, 1, 1})});
    std::thread([&values] { values.push_back(cudaGetLastError()); }).join();
    return values;
  });
  CHECK(outcome.values == Values{0, 700, 700, 700, 700, 700, 700, 700});
}

TEST_CASE("without an executor the runtime API has no device, and asking twice is no wait") {
  const Outcome outcome = run_guest({{"VGPU_EXECUTOR", "unix:/tmp/vgpu-nothing/socket"}}, [] {
    register_program();
    int number = 7;
    Values values{cudaGetDeviceCount(&number), number};
    void* memory = nullptr;
    values.insert(values.end(), {cudaMalloc(&memory, 16), launch(kernel_stub, {1, 1, 1}, {1, 1, 1})});
    values.insert(values.end(),
                  {cudaDriverGetVersion(&number), number, cudaRuntimeGetVersion(&number), number});
    values.push_back(cudaGetLastError());
    return values;
  });
  CHECK(outcome.values == Values{100, 0, 100, 100, 0, 0, 0, 13000, 100});
}

TEST_CASE("variables are found by their host shadows, and copies stay inside them") {
  FakeExecutor executor = executor_with_module();
  const Outcome outcome = run_with(executor, [] {
    register_program();
    void* address = nullptr;
    std::size_t bytes = 0;
    int other = 0;
    const std::array<int, 4> content = {1, 2, 3, 4};
    const auto copy = [&](std::size_t count, std::size_t offset, cudaMemcpyKind kind) {
      return cudaMemcpyToSymbol(&variable_shadow, content.data(), count, offset, kind);
    };
    return Values{cudaGetSymbolAddress(&address, &variable_shadow),
                  address == reinterpret_cast<void*>(kVariable),
                  cudaGetSymbolSize(&bytes, &variable_shadow),
                  static_cast<std::int64_t>(bytes),
                  copy(16, 0, cudaMemcpyHostToDevice),
                  copy(4, 12, cudaMemcpyDefault),
                  copy(8, 12, cudaMemcpyHostToDevice),
                  copy(1, SIZE_MAX, cudaMemcpyHostToDevice),
                  copy(4, 0, cudaMemcpyDeviceToHost),
                  cudaGetSymbolAddress(&address, &other)};
  });
  CHECK(outcome.values == Values{0, 1, 0, 16, 0, 0, 1, 1, 21, 13});
  const std::vector<Request> copies = executor.of(VGPU_CALL_vgpuCopyToDevice);
  REQUIRE(copies.size() == 2);
  CHECK(copies[1].at<std::uint64_t>(0) == kVariable + 12);
}

TEST_CASE("after cudaDeviceReset the program goes on with a new context and loads its modules again") {
  FakeExecutor executor = executor_with_module();
  std::uint64_t context = 0x1000;
  executor.handlers[VGPU_CALL_cuDevicePrimaryCtxRetain] = [&context](const Request&) {
    return Answer{0, packed(++context)};
  };
  const Outcome outcome = run_with(executor, [] {
    register_program();
    return Values{launch(kernel_stub, {1, 1, 1}, {1, 1, 1}), cudaDeviceReset(),
                  launch(kernel_stub, {1, 1, 1}, {1, 1, 1}), cudaDeviceSynchronize()};
  });
  CHECK(outcome.values == Values{0, 0, 0, 0});
  CHECK(executor.of(VGPU_CALL_vgpuModuleLoad).size() == 2);
  CHECK(executor.of(VGPU_CALL_cuDevicePrimaryCtxReset_v2).size() == 1);
  CHECK(executor.of(VGPU_CALL_cuCtxSynchronize).at(0).frame.context == 0x1002);
}

TEST_CASE("a thread whose context another thread reset gets the new one") {
  FakeExecutor executor = executor_with_module();
  std::uint64_t context = 0x1000;
  executor.handlers[VGPU_CALL_cuDevicePrimaryCtxRetain] = [&context](const Request&) {
    return Answer{0, packed(++context)};
  };
  const Outcome outcome = run_with(executor, [] {
    void* memory = nullptr;
    Values values{cudaMalloc(&memory, 16)};
    std::thread([&values] { values.push_back(cudaDeviceReset()); }).join();
    values.push_back(cudaMalloc(&memory, 16));
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0});
  const std::vector<Request> allocations = executor.of(VGPU_CALL_cuMemAlloc_v2);
  REQUIRE(allocations.size() == 2);
  CHECK(allocations[0].frame.context == 0x1001);
  CHECK(allocations[1].frame.context == 0x1002);
}

TEST_CASE("a context that the program made itself is used as it is") {
  FakeExecutor executor = executor_with_module();
  executor.handlers[VGPU_CALL_vgpuContextCreate] = [](const Request&) {
    return Answer{0, packed(std::uint64_t{0x7777})};
  };
  const Outcome outcome = run_with(executor, [] {
    CUcontext context = nullptr;
    void* memory = nullptr;
    return Values{cuInit(0), cuCtxCreate_v2(&context, 0, 0), cudaMalloc(&memory, 16)};
  });
  CHECK(outcome.values == Values{0, 0, 0});
  CHECK(executor.of(VGPU_CALL_cuMemAlloc_v2).at(0).frame.context == 0x7777);
  CHECK(executor.of(VGPU_CALL_cuDevicePrimaryCtxRetain).empty());
}

TEST_CASE("a forked child uses the same registrations in a connection of its own") {
  Peer peer;
  Guest guest(peer.environment(), [] {
    register_program();
    Values values{launch(kernel_stub, {1, 1, 1}, {1, 1, 1})};
    const pid_t child = fork();
    if (child == 0) leave(launch(kernel_stub, {1, 1, 1}, {1, 1, 1}) == cudaSuccess);
    int status = -1;
    waitpid(child, &status, 0);
    values.push_back(status);
    return values;
  });
  for (int i = 0; i < 2; ++i) {
    Connection connection = peer.accept();
    connection.greet();
    FakeExecutor executor = executor_with_module();
    Request request;
    while (request.frame.call != VGPU_CALL_vgpuLaunchKernel && connection.read_request(request)) {
      if (request.frame.call == VGPU_CALL_vgpuLaunchKernel) break;
      const auto handler = executor.handlers.find(request.frame.call);
      connection.answer(request, handler == executor.handlers.end() ? Answer{} : handler->second(request));
    }
  }
  CHECK(guest.finish().values == Values{0, 0});
}

TEST_CASE("function attributes are the driver's") {
  FakeExecutor executor = executor_with_module();
  const Outcome outcome = run_with(executor, [] {
    register_program();
    cudaFuncAttributes attributes{};
    Values values{cudaFuncGetAttributes(&attributes, stub(kernel_stub))};
    values.insert(values.end(),
                  {static_cast<std::int64_t>(attributes.sharedSizeBytes), attributes.maxThreadsPerBlock,
                   attributes.numRegs, attributes.nonPortableClusterSizeAllowed});
    values.push_back(
        cudaFuncSetAttribute(stub(kernel_stub), cudaFuncAttributeMaxDynamicSharedMemorySize, 60000));
    values.push_back(cudaFuncSetAttribute(stub(kernel_stub), static_cast<cudaFuncAttribute>(3), 1));
    return values;
  });
  CHECK(outcome.values == Values{0, 101, 1024, 104, 114, 0, 1});
  CHECK(executor.of(VGPU_CALL_cuFuncSetAttribute).at(0).payload ==
        packed(kFunction, std::int32_t{8}, std::int32_t{60000}));
}

TEST_CASE("device properties are the attributes, and 0 where there is no answer") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    cudaDeviceProp properties;
    std::memset(&properties, 0xee, sizeof properties);
    Values values{cudaGetDeviceProperties(&properties, 0)};
    values.insert(
        values.end(),
        {std::strcmp(properties.name, "Fake GPU"), static_cast<std::int64_t>(properties.totalGlobalMem),
         static_cast<std::int64_t>(properties.sharedMemPerBlock), properties.warpSize,
         properties.maxThreadsDim[2], properties.maxGridSize[0], properties.major, properties.minor,
         properties.pciBusID, properties.clusterLaunch, properties.reserved[0]});
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 1 << 30, 49152, 32, 64, 0x7fffffff, 7, 5, 10, 0, 0});
}

TEST_CASE("driver functions are found through the runtime API") {
  FakeExecutor executor;
  const Outcome outcome = run_with(executor, [] {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult status{};
    Values values{cudaGetDriverEntryPointByVersion("cuMemAlloc", &function, 12000, 0, &status), status,
                  function == reinterpret_cast<void*>(cuMemAlloc_v2)};
    values.insert(values.end(), {cudaGetDriverEntryPoint("cuMipmappedArrayCreate", &function, 0, &status),
                                 status, function == nullptr,
                                 cudaGetDriverEntryPoint("cuMipmappedArrayCreate", &function, 0, nullptr)});
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 1, 0, 1, 1, cudaErrorSymbolNotFound});
}

TEST_CASE("call configurations nest, and popping one too many is an error") {
  const Outcome outcome = run_guest({}, [] {
    dim3 grid{};
    dim3 block{};
    std::size_t shared = 0;
    cudaStream_t stream = nullptr;
    Values values{__cudaPushCallConfiguration({1, 2, 3}, {4, 5, 6}, 7, nullptr),
                  __cudaPushCallConfiguration({8, 1, 1}, {1, 1, 1}, 9, reinterpret_cast<CUstream>(5))};
    values.push_back(__cudaPopCallConfiguration(&grid, &block, &shared, &stream));
    values.insert(values.end(),
                  {grid.x, static_cast<std::int64_t>(shared), stream == reinterpret_cast<CUstream>(5)});
    values.push_back(__cudaPopCallConfiguration(&grid, &block, &shared, &stream));
    values.insert(values.end(), {grid.z, block.y, static_cast<std::int64_t>(shared)});
    values.push_back(__cudaPopCallConfiguration(&grid, &block, &shared, &stream));
    return values;
  });
  CHECK(outcome.values == Values{0, 0, 0, 8, 9, 1, 0, 3, 5, 7, cudaErrorMissingConfiguration});
}

}  // namespace
}  // namespace vgpu::test
