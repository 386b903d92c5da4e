#include <array>
#include <string>

#include "real_backend_fixture.h"

using namespace vgpu::executor;
using namespace vgpu::executor::test;

TEST_CASE("the device is described without what the guest library cannot ask for") {
  const DriverSnapshot snapshot = recording_snapshot();
  CHECK(snapshot.driver_version == 13000);
  CHECK(std::string(snapshot.device.name) == "Recording device 40");
  CHECK(snapshot.device.total_memory == 16ULL << 30);
  CHECK(snapshot.device.attributes[CU_DEVICE_ATTRIBUTE_WARP_SIZE] == 1);
  CHECK(snapshot.device.attributes[CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS] == 0);
  CHECK(snapshot.device.attributes[CU_DEVICE_ATTRIBUTE_MULTICAST_SUPPORTED] == 0);
  CHECK_MESSAGE(
      snapshot.device.attributes[CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED] == VGPU_ATTRIBUTE_UNKNOWN,
      "this driver does not know it");
}

TEST_CASE("the driver is not touched before the first call") {
  const DriverSnapshot snapshot = recording_snapshot();
  recording().reset();
  RealBackend backend({.driver = {.path = recording_driver_path()}, .snapshot = snapshot});
  CHECK(backend.devices().size() == 1);
  CHECK(std::string(recording().calls()).empty());
}

TEST_CASE("a launch asks the driver for the parameters once, and sends exactly their bytes") {
  RealFixture real;
  const Handle kernel = real.function(real.load());
  RealFixture::calls();
  CHECK(real.launch(kernel, 16) == CUDA_SUCCESS);
  CHECK(RealFixture::calls() ==
        "cuFuncGetParamInfo index=0\ncuFuncGetParamInfo index=1\ncuFuncGetParamInfo index=2\n"
        "cuFuncGetParamInfo index=3\ncuLaunchKernel function=16842752 grid=3 block=64 stream=0 bytes=16\n");
  CHECK(real.launch(kernel, 20) == CUDA_SUCCESS);
  CHECK(RealFixture::calls() == "cuLaunchKernel function=16842752 grid=3 block=64 stream=0 bytes=16\n");
}

TEST_CASE("parameters that are too short never reach the driver") {
  RealFixture real;
  const Handle kernel = real.function(real.load());
  CHECK(real.launch(kernel, 15) == CUDA_ERROR_INVALID_VALUE);
  CHECK(RealFixture::calls().find("cuLaunchKernel") == std::string::npos);
}

TEST_CASE("handles that are stale, foreign or made up never reach the driver") {
  RealFixture real;
  auto& backend = *real.backend;
  const Handle module = real.load();
  const Handle kernel = real.function(module);
  Handle stream = 0;
  REQUIRE(backend.cuStreamCreate(real.context, stream, 0) == CUDA_SUCCESS);
  REQUIRE(backend.cuStreamDestroy_v2(real.context, stream) == CUDA_SUCCESS);
  REQUIRE(backend.cuModuleUnload(real.context, module) == CUDA_SUCCESS);
  RealFixture::calls();
  const auto invalid = [&](auto call) { return real.result(call) == CUDA_ERROR_INVALID_HANDLE; };
  CHECK(invalid([&] { return backend.cuStreamSynchronize(real.context, stream); }));
  CHECK(invalid([&] { return backend.cuStreamSynchronize(real.context, module); }));
  CHECK(invalid([&] { return backend.cuStreamSynchronize(real.context, 0x7fff'1234'5678); }));
  CHECK(invalid([&] { return backend.cuModuleUnload(real.context, module); }));
  CHECK_MESSAGE(real.launch(kernel, 16) == CUDA_ERROR_INVALID_HANDLE, "a function goes with its module");
  CHECK_MESSAGE(invalid([&] { return backend.cuStreamDestroy_v2(real.context, 0); }), "nobody's to destroy");
  CHECK(RealFixture::calls().empty());
}

TEST_CASE("an object that the driver returns again keeps its number") {
  RealFixture real;
  const Handle module = real.load();
  const Handle kernel = real.function(module);
  CHECK(real.function(module) == kernel);
  Handle owner = 0;
  REQUIRE(real.backend->cuFuncGetModule(real.context, owner, kernel) == CUDA_SUCCESS);
  CHECK(owner == module);
}

TEST_CASE("contexts: each call runs in its own, and their objects go with them") {
  RealFixture real;
  auto& backend = *real.backend;
  Handle other = 0;
  REQUIRE(backend.vgpuContextCreate(0, other, 0, 0) == CUDA_SUCCESS);
  Handle stream = 0;
  REQUIRE(backend.cuStreamCreate(other, stream, 0) == CUDA_SUCCESS);
  RealFixture::calls();
  REQUIRE(backend.cuCtxSynchronize(real.context) == CUDA_SUCCESS);
  REQUIRE(backend.cuCtxSynchronize(real.context) == CUDA_SUCCESS);
  REQUIRE(backend.cuCtxSynchronize(other) == CUDA_SUCCESS);
  const std::string lines = RealFixture::calls();
  CHECK_MESSAGE(RealFixture::count(lines, "cuCtxSetCurrent") == 2, lines);
  REQUIRE(backend.vgpuContextDestroy(0, other) == CUDA_SUCCESS);
  CHECK(real.result([&] { return backend.cuCtxSynchronize(other); }) == CUDA_ERROR_CONTEXT_IS_DESTROYED);
  CHECK(real.result([&] { return backend.cuStreamSynchronize(real.context, stream); }) ==
        CUDA_ERROR_INVALID_HANDLE);
  CHECK(real.result([&] { return backend.cuCtxSynchronize(0); }) == CUDA_ERROR_INVALID_CONTEXT);
  CHECK(real.result([&] { return backend.cuCtxSynchronize(4711); }) == CUDA_ERROR_INVALID_CONTEXT);
}

TEST_CASE("the primary context: the driver's count is one, the number stays over a reset") {
  RealFixture real;
  auto& backend = *real.backend;
  Handle again = 0;
  REQUIRE(backend.cuDevicePrimaryCtxRetain(0, again, 0) == CUDA_SUCCESS);
  CHECK(again == real.context);
  CHECK_MESSAGE(RealFixture::calls().empty(), "the driver has been asked once already");
  REQUIRE(backend.cuDevicePrimaryCtxReset_v2(0, 0) == CUDA_SUCCESS);
  CHECK(real.result([&] { return backend.cuCtxSynchronize(real.context); }) == CUDA_SUCCESS);
  REQUIRE(backend.cuDevicePrimaryCtxRelease_v2(0, 0) == CUDA_SUCCESS);
  CHECK(real.result([&] { return backend.cuCtxSynchronize(real.context); }) == CUDA_SUCCESS);
  REQUIRE(backend.cuDevicePrimaryCtxRelease_v2(0, 0) == CUDA_SUCCESS);
  CHECK(real.result([&] { return backend.cuCtxSynchronize(real.context); }) ==
        CUDA_ERROR_CONTEXT_IS_DESTROYED);
  CHECK(real.result([&] { return backend.cuDevicePrimaryCtxRelease_v2(0, 0); }) ==
        CUDA_ERROR_INVALID_CONTEXT);
}

TEST_CASE("the driver's errors are passed on, and nothing is remembered of what failed") {
  RealFixture real;
  auto& backend = *real.backend;
  for (const char* call : {"cuLaunchKernel", "cuCtxSynchronize", "cuMemAlloc_v2", "cuStreamCreate"}) {
    recording().rule(call, "700");
  }
  const Handle kernel = real.function(real.load());
  std::uint64_t address = 0;
  Handle stream = 0;
  CHECK(real.launch(kernel, 16) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(backend.cuCtxSynchronize(real.context) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(backend.cuMemAlloc_v2(real.context, address, 64) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(backend.cuStreamCreate(real.context, stream, 0) == CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK(stream == 0);
  CHECK(backend.memory_in_use() == 0);
}

TEST_CASE("the functions of a module are those that it gives one by one") {
  RealFixture real;
  Backend& backend = *real.backend;
  const Handle module = real.load();
  const Handle kernel = real.function(module);
  std::array<Handle, 3> found{7, 7, 7};
  CHECK(backend.vgpuModuleFunctions(real.context, std::as_writable_bytes(std::span(found)), module) ==
        CUDA_SUCCESS);
  CHECK(found == std::array<Handle, 3>{kernel, 0, 0});
  std::uint64_t bytes = 0;
  CHECK(backend.vgpuFunctionNameLength(real.context, bytes, kernel) == CUDA_SUCCESS);
  std::string name(bytes, '?');
  CHECK(backend.vgpuFunctionName(real.context, std::as_writable_bytes(std::span(name)), kernel) ==
        CUDA_SUCCESS);
  CHECK(name == "kernel");
  CHECK(real.result([&] { return backend.vgpuFunctionName(real.context, {}, kernel); }) ==
        CUDA_ERROR_INVALID_VALUE);
  CHECK(real.result([&] { return backend.vgpuFunctionNameLength(real.context, bytes, kernel + 1); }) ==
        CUDA_ERROR_INVALID_HANDLE);
}

TEST_CASE("a function that the driver lacks is named") {
  RealFixture real;
  std::uint32_t count = 0;
  const Handle module = real.load();
  CHECK(real.result([&] { return real.backend->cuModuleGetFunctionCount(real.context, count, module); }) ==
        CUDA_ERROR_NOT_SUPPORTED);
  CHECK(real.message == "the host's library has no cuModuleGetFunctionCount");
}

TEST_CASE("the client sees one device, whatever number the driver has for it") {
  RealFixture real;
  Handle pool = 0;
  REQUIRE(real.backend->vgpuMemPoolCreate(0, pool, 0, 512) == CUDA_SUCCESS);
  CHECK(RealFixture::calls() == "cuMemPoolCreate device=40 maximum=512\n");
  CHECK(real.result([&] { return real.backend->vgpuMemPoolCreate(0, pool, 1, 512); }) ==
        CUDA_ERROR_INVALID_DEVICE);
}

TEST_CASE("when a client goes the driver gets everything back") {
  std::optional<RealFixture> real(std::in_place);
  auto& backend = *real->backend;
  Handle other = 0;
  std::uint64_t address = 0, mapped = 0;
  REQUIRE(backend.vgpuContextCreate(0, other, 0, 0) == CUDA_SUCCESS);
  REQUIRE(backend.vgpuMemAllocShared(real->context, address, mapped, 100) == CUDA_SUCCESS);
  const std::uint64_t memory = real->allocate(4096);
  const std::vector<std::byte> bytes(4096);
  REQUIRE(backend.vgpuCopyToDevice(real->context, memory, bytes, bytes.size(), 0) == CUDA_SUCCESS);
  RealFixture::calls();
  real.reset();
  const std::string lines = RealFixture::calls();
  CHECK_MESSAGE(RealFixture::count(lines, "cuCtxDestroy_v2") == 1, lines);
  CHECK_MESSAGE(RealFixture::count(lines, "cuMemHostUnregister") == 1, lines);
  CHECK_MESSAGE(RealFixture::count(lines, "cuMemFreeHost") == 1, lines);
  CHECK_MESSAGE(RealFixture::count(lines, "cuEventDestroy_v2") == 1, lines);
  CHECK_MESSAGE(lines.ends_with("cuDevicePrimaryCtxRelease_v2 device=40\n"), lines);
}

TEST_CASE("a client whose context is dead goes as well") {
  std::optional<RealFixture> real(std::in_place);
  const std::uint64_t memory = real->allocate(4096);
  const std::vector<std::byte> bytes(4096);
  REQUIRE(real->backend->vgpuCopyToDevice(real->context, memory, bytes, bytes.size(), 0) == CUDA_SUCCESS);
  for (const char* call : {"cuEventSynchronize", "cuMemFreeHost", "cuDevicePrimaryCtxRelease_v2"}) {
    recording().rule(call, "700");
  }
  CHECK_NOTHROW(real.reset());
}
