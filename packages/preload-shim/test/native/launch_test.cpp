// Launching: what is packed, what is asked once, what is refused before it is sent.
#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include "peer.h"

namespace vgpu::test {
namespace {

constexpr std::uint64_t kFunctionHandle = 0x2002;
const CUfunction kFunction = reinterpret_cast<CUfunction>(kFunctionHandle);

/// A kernel with parameters of 1, 8, 4 and 16 bytes, which leave gaps.
constexpr std::array<std::array<std::uint64_t, 2>, 4> kLayout = {{{0, 1}, {8, 8}, {16, 4}, {32, 16}}};

FakeExecutor executor_with_kernel() {
  FakeExecutor executor;
  executor.handlers[VGPU_CALL_cuFuncGetParamInfo] = [](const Request& request) {
    const auto index = request.at<std::uint64_t>(8);
    if (index >= kLayout.size()) return failure(CUDA_ERROR_INVALID_VALUE);
    return Answer{0, packed(kLayout[index])};
  };
  executor.handlers[VGPU_CALL_cuFuncGetAttribute] = [](const Request& request) {
    switch (request.at<std::int32_t>(0)) {
      case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
        return Answer{0, packed(std::int32_t{256})};
      case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
        return Answer{0, packed(std::int32_t{1024})};
      case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        return Answer{0, packed(std::int32_t{60000})};
      case CU_FUNC_ATTRIBUTE_NUM_REGS:
        return Answer{0, packed(std::int32_t{32})};
      default:
        return failure(CUDA_ERROR_INVALID_VALUE);
    }
  };
  return executor;
}

struct Arguments {
  char letter = 'v';
  CUdeviceptr address = 0x1122334455667788;
  float number = 2.5F;
  std::array<std::uint32_t, 4> vector = {1, 2, 3, 4};
  void* pointers[4] = {&letter, &address, &number, &vector};
};

CUresult launch(dim3 grid, dim3 block, unsigned shared = 0) {
  Arguments arguments;
  return cuLaunchKernel(kFunction, grid.x, grid.y, grid.z, block.x, block.y, block.z, shared,
                        reinterpret_cast<CUstream>(2), arguments.pointers, nullptr);
}

Bytes expected_parameters() {
  const Arguments arguments;
  Bytes bytes(48);
  std::memcpy(bytes.data(), &arguments.letter, 1);
  std::memcpy(bytes.data() + 8, &arguments.address, 8);
  std::memcpy(bytes.data() + 16, &arguments.number, 4);
  std::memcpy(bytes.data() + 32, &arguments.vector, 16);
  return bytes;
}

/// The parameters in the request of a launch, which stand behind 44 bytes of configuration and their length.
Bytes parameters_of(const Request& request) {
  REQUIRE(request.payload.size() >= 52);
  CHECK(request.at<std::uint64_t>(44) == request.payload.size() - 52);
  return {request.payload.begin() + 52, request.payload.end()};
}

TEST_CASE("arguments are packed by the kernel's layout, which is asked for once") {
  FakeExecutor executor = executor_with_kernel();
  const Outcome outcome = run_with(executor, [] {
    return Values{start_context(), launch({7, 6, 5}, {4, 3, 2}, 100), launch({1, 1, 1}, {256, 1, 1})};
  });
  CHECK(outcome.values == Values{0, 0, 0});
  const std::vector<Request> launches = executor.of(VGPU_CALL_vgpuLaunchKernel);
  REQUIRE(launches.size() == 2);
  CHECK(launches[0].frame.status == VGPU_FRAME_DEFERRED);
  const Bytes configuration(launches[0].payload.begin(), launches[0].payload.begin() + 44);
  CHECK(configuration ==
        packed(kFunctionHandle, std::array<std::uint32_t, 7>{7, 6, 5, 4, 3, 2, 100}, std::uint64_t{2}));
  CHECK(parameters_of(launches[0]) == expected_parameters());
  CHECK(parameters_of(launches[1]) == expected_parameters());
  CHECK(executor.of(VGPU_CALL_cuFuncGetParamInfo).size() == kLayout.size() + 1);
  CHECK(executor.of(VGPU_CALL_cuFuncGetAttribute).size() == 2);
}

TEST_CASE("arguments may come packed") {
  FakeExecutor executor = executor_with_kernel();
  const Outcome outcome = run_with(executor, [] {
    Bytes packed_arguments = expected_parameters();
    std::size_t bytes = packed_arguments.size();
    std::size_t too_few = bytes - 1;
    const auto launch_with = [&](std::size_t* size) {
      void* extra[] = {reinterpret_cast<void*>(1), packed_arguments.data(), reinterpret_cast<void*>(2), size,
                       nullptr};
      return cuLaunchKernel(kFunction, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra);
    };
    void* unknown[] = {reinterpret_cast<void*>(9), nullptr, nullptr};
    void* nothing[] = {nullptr};
    return Values{start_context(), launch_with(&bytes), launch_with(&too_few),
                  cuLaunchKernel(kFunction, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, unknown),
                  cuLaunchKernel(kFunction, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nothing)};
  });
  CHECK(outcome.values == Values{0, 0, 1, 1, 1});
  const std::vector<Request> launches = executor.of(VGPU_CALL_vgpuLaunchKernel);
  REQUIRE(launches.size() == 1);
  CHECK(parameters_of(launches[0]) == expected_parameters());
}

TEST_CASE("a configuration that the device cannot have is refused at once") {
  FakeExecutor executor = executor_with_kernel();
  const Outcome outcome = run_with(executor, [] {
    return Values{start_context(),
                  launch({0, 1, 1}, {1, 1, 1}),
                  launch({1, 65536, 1}, {1, 1, 1}),
                  launch({1, 1, 65536}, {1, 1, 1}),
                  launch({0x80000000, 1, 1}, {1, 1, 1}),
                  launch({1, 1, 1}, {1, 0, 1}),
                  launch({1, 1, 1}, {1025, 1, 1}),
                  launch({1, 1, 1}, {1, 1, 65}),
                  launch({1, 1, 1}, {1024, 1024, 64}),
                  launch({1, 1, 1}, {257, 1, 1}),
                  launch({1, 1, 1}, {1, 1, 1}, 60001),
                  launch({1, 1, 1}, {1, 1, 1}, 0xffffffff)};
  });
  CHECK(outcome.values == Values{0, 1, 1, 1, 1, 1, 1, 1, 1, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, 1, 1});
  CHECK(executor.of(VGPU_CALL_vgpuLaunchKernel).empty());
}

TEST_CASE("the largest configuration is allowed, and more shared memory where the function has it") {
  FakeExecutor executor = executor_with_kernel();
  const Outcome outcome = run_with(executor, [] {
    return Values{start_context(), launch({0x7fffffff, 65535, 65535}, {256, 1, 1}),
                  launch({1, 1, 1}, {4, 1, 64}, 49152 - 1024), launch({1, 1, 1}, {1, 1, 1}, 60000)};
  });
  CHECK(outcome.values == Values{0, 0, 0, 0});
}

TEST_CASE("missing arguments are refused") {
  FakeExecutor executor = executor_with_kernel();
  const Outcome outcome = run_with(executor, [] {
    Arguments arguments;
    arguments.pointers[2] = nullptr;
    return Values{start_context(), cuLaunchKernel(kFunction, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr),
                  cuLaunchKernel(kFunction, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments.pointers, nullptr),
                  cuLaunchKernel(nullptr, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments.pointers, nullptr)};
  });
  CHECK(outcome.values == Values{0, 1, 1, CUDA_ERROR_INVALID_HANDLE});
}

TEST_CASE("a kernel that cannot be decoded fails at the launch, and is tried again at the next") {
  FakeExecutor executor = executor_with_kernel();
  executor.handlers[VGPU_CALL_cuFuncGetAttribute] = [](const Request&) {
    return failure(CUDA_ERROR_INVALID_PTX);
  };
  const Outcome outcome = run_with(executor, [] {
    return Values{start_context(), launch({1, 1, 1}, {1, 1, 1}), launch({1, 1, 1}, {1, 1, 1})};
  });
  CHECK(outcome.values == Values{0, CUDA_ERROR_INVALID_PTX, CUDA_ERROR_INVALID_PTX});
}

TEST_CASE("an executor whose layout makes no sense is not believed") {
  FakeExecutor executor = executor_with_kernel();
  executor.handlers[VGPU_CALL_cuFuncGetParamInfo] = [](const Request&) {
    return Answer{0, packed(std::array<std::uint64_t, 2>{UINT64_MAX - 4, 8})};
  };
  const Outcome outcome = run_with(executor, [] {
    return Values{start_context(), launch({1, 1, 1}, {1, 1, 1})};
  });
  CHECK(outcome.values == Values{0, CUDA_ERROR_UNKNOWN});
}

TEST_CASE("after the context died a launch fails without being sent") {
  FakeExecutor executor = executor_with_kernel();
  executor.handlers[VGPU_CALL_cuCtxSynchronize] = [](const Request&) {
    return failure(CUDA_ERROR_ILLEGAL_ADDRESS);
  };
  const Outcome outcome = run_with(executor, [] {
    return Values{start_context(), launch({1, 1, 1}, {1, 1, 1}), cuCtxSynchronize(),
                  launch({1, 1, 1}, {1, 1, 1})};
  });
  CHECK(outcome.values == Values{0, 0, CUDA_ERROR_ILLEGAL_ADDRESS, CUDA_ERROR_ILLEGAL_ADDRESS});
  CHECK(executor.of(VGPU_CALL_vgpuLaunchKernel).size() == 1);
}

struct Attribute {
  std::uint32_t id;
  std::uint32_t padding = 0;
  std::array<std::uint32_t, 16> value = {};
};

CUresult launch_with(std::vector<Attribute> attributes) {
  Arguments arguments;
  CUlaunchConfig config{};
  config.gridDimX = config.gridDimY = config.gridDimZ = 1;
  config.blockDimX = 32;
  config.blockDimY = config.blockDimZ = 1;
  config.attrs = attributes.data();
  config.numAttrs = static_cast<unsigned>(attributes.size());
  return cuLaunchKernelEx(&config, kFunction, arguments.pointers, nullptr);
}

TEST_CASE(
    "launch attributes that tune are accepted, those that change the kernel's meaning are refused by name") {
  FakeExecutor executor = executor_with_kernel();
  const Outcome outcome = run_with(executor, [] {
    return Values{start_context(),
                  launch_with({}),
                  launch_with({{CU_LAUNCH_ATTRIBUTE_PRIORITY}, {CU_LAUNCH_ATTRIBUTE_COOPERATIVE}}),
                  launch_with({{CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, 0, {1, 1, 1}}}),
                  launch_with({{CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, 0, {2, 1, 1}}}),
                  launch_with({{99}})};
  });
  CHECK(outcome.values == Values{0, 0, 0, 0, 801, 801});
  CHECK(executor.of(VGPU_CALL_vgpuLaunchKernel).size() == 3);
  CHECK(outcome.log.find("a cluster is not implemented") != std::string::npos);
}

TEST_CASE("a cooperative launch is sent as one, unless more blocks are asked for than fit at once") {
  FakeExecutor executor = executor_with_kernel();
  const Outcome outcome = run_with(executor, [] {
    const auto launch_blocks = [](unsigned blocks, unsigned threads) {
      Arguments arguments;
      return cuLaunchCooperativeKernel(kFunction, blocks, 1, 1, threads, 1, 1, 0, nullptr,
                                       arguments.pointers);
    };
    return Values{start_context(), launch_with({{CU_LAUNCH_ATTRIBUTE_COOPERATIVE, 0, {1}}}),
                  launch_blocks(1, 256), launch_blocks(1U << 30, 256), launch_blocks(1, 257)};
  });
  CHECK(outcome.values ==
        Values{0, 0, 0, CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES});
  CHECK(executor.of(VGPU_CALL_vgpuLaunchCooperativeKernel).size() == 2);
  CHECK(executor.of(VGPU_CALL_vgpuLaunchKernel).empty());
}

}  // namespace
}  // namespace vgpu::test
