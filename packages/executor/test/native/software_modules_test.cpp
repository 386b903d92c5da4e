#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "software_backend_fixture.h"

using namespace vgpu::executor;
using vgpu::executor::test::Request;
using vgpu::executor::test::SoftwareFixture;

namespace {

struct Modules : SoftwareFixture {
  CUresult load_result(std::string_view image) {
    Handle module = 0;
    return result([&] { return backend.vgpuModuleLoad(context, module, std::as_bytes(std::span(image))); });
  }
  std::int32_t attribute(Handle function, std::int32_t which) {
    std::int32_t value = -99;
    REQUIRE(result([&] { return backend.cuFuncGetAttribute(context, value, which, function); }) ==
            CUDA_SUCCESS);
    return value;
  }
  CUresult set_attribute(Handle function, std::int32_t which, std::int32_t value) {
    return result([&] { return backend.cuFuncSetAttribute(context, function, which, value); });
  }
  std::vector<std::uint32_t> read(std::uint64_t address, std::size_t count) {
    std::vector<std::uint32_t> values(count);
    const auto bytes = std::as_writable_bytes(std::span(values));
    REQUIRE(backend.vgpuCopyFromDevice(context, bytes, address, bytes.size(), 0) == CUDA_SUCCESS);
    return values;
  }
};

Request scale_parameters(std::uint64_t out, std::uint32_t factor, std::uint32_t count) {
  return Request().value(out).value(factor).value(count);
}

}  // namespace

TEST_CASE_FIXTURE(Modules, "a kernel runs") {
  const std::uint64_t out = allocate(100UL * 4);
  const Handle scale = function(load(), "scale");
  CHECK(launch(scale, 4, 32, scale_parameters(out, 3, 100)) == CUDA_SUCCESS);
  const auto values = read(out, 100);
  for (std::uint32_t i = 0; i < values.size(); ++i) CHECK(values[i] == 3 * i);
}

TEST_CASE_FIXTURE(Modules, "images that are none") {
  CHECK(load_result("") == CUDA_ERROR_INVALID_IMAGE);
  CHECK(load_result("hello") == CUDA_ERROR_INVALID_IMAGE);
  CHECK_MESSAGE(load_result("\x7f"
                            "ELF") == CUDA_ERROR_NO_BINARY_FOR_GPU,
                "machine code of a real GPU");
  const CUresult garbage = load_result(".version 7.0\n.target sm_75\n.address_size 64\n.visible .nonsense");
  CHECK(garbage == CUDA_ERROR_INVALID_PTX);
  CHECK_MESSAGE(message.find("line 4") != std::string::npos, message);
}

TEST_CASE_FIXTURE(Modules, "functions of a module") {
  const Handle module = load();
  const Handle scale = function(module, "scale");
  CHECK_MESSAGE(function(module, "scale") == scale, "asked twice, the same handle");
  CHECK(function(module, "poke") != scale);
  Handle owner = 0;
  CHECK(backend.cuFuncGetModule(context, owner, scale) == CUDA_SUCCESS);
  CHECK(owner == module);
  std::uint32_t count = 0;
  CHECK(backend.cuModuleGetFunctionCount(context, count, module) == CUDA_SUCCESS);
  CHECK(count == 3);
  Handle none = 0;
  for (const std::string_view name : {"scal", "scale2", "", "counter", "SCALE"}) {
    CAPTURE(name);
    CHECK(result([&] { return backend.cuModuleGetFunction(context, none, module, name); }) ==
          CUDA_ERROR_NOT_FOUND);
  }
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::uint64_t mapped = 0;
  CHECK(result([&] {
          return backend.vgpuModuleGetGlobal(context, address, bytes, mapped, module, "scale");
        }) == CUDA_ERROR_NOT_FOUND);
}

TEST_CASE_FIXTURE(Modules, "parameters") {
  const Handle scale = function(load(), "scale");
  const std::uint64_t offsets[] = {0, 8, 12};
  const std::uint64_t sizes[] = {8, 4, 4};
  for (std::uint64_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    std::uint64_t offset = 99;
    std::uint64_t bytes = 99;
    CHECK(backend.cuFuncGetParamInfo(context, scale, i, offset, bytes) == CUDA_SUCCESS);
    CHECK(offset == offsets[i]);
    CHECK(bytes == sizes[i]);
  }
  for (const std::uint64_t index : {std::uint64_t{3}, UINT64_MAX}) {
    std::uint64_t ignored = 0;
    CHECK(backend.cuFuncGetParamInfo(context, scale, index, ignored, ignored) == CUDA_ERROR_INVALID_VALUE);
  }
}

TEST_CASE_FIXTURE(Modules, "attributes of a function") {
  const Handle scale = function(load(), "scale");
  CHECK(attribute(scale, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK) == 1024);
  CHECK(attribute(scale, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES) == 0);
  CHECK(attribute(scale, CU_FUNC_ATTRIBUTE_PTX_VERSION) == 75);
  CHECK(attribute(scale, CU_FUNC_ATTRIBUTE_BINARY_VERSION) == 80);
  CHECK(attribute(scale, CU_FUNC_ATTRIBUTE_NUM_REGS) > 0);
  CHECK(attribute(scale, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) == 48 * 1024);
  CHECK(attribute(scale, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) == -1);
  std::int32_t value = 0;
  for (const std::int32_t wrong : {-1, 16, INT32_MAX}) {
    CAPTURE(wrong);
    CHECK(result([&] { return backend.cuFuncGetAttribute(context, value, wrong, scale); }) ==
          CUDA_ERROR_INVALID_VALUE);
  }
}

TEST_CASE_FIXTURE(Modules, "attributes that can be set") {
  const std::uint64_t out = allocate(4);
  const Handle scale = function(load(), "scale");
  const auto parameters = scale_parameters(out, 1, 1);
  constexpr std::int32_t kShared = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
  CHECK(launch(scale, 1, 1, parameters, 0, 48 * 1024) == CUDA_SUCCESS);
  CHECK(launch(scale, 1, 1, parameters, 0, 48 * 1024 + 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(set_attribute(scale, kShared, 64 * 1024) == CUDA_SUCCESS);
  CHECK(attribute(scale, kShared) == 64 * 1024);
  CHECK(launch(scale, 1, 1, parameters, 0, 64 * 1024) == CUDA_SUCCESS);
  CHECK(set_attribute(scale, kShared, 163 * 1024 + 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(set_attribute(scale, kShared, -1) == CUDA_ERROR_INVALID_VALUE);

  constexpr std::int32_t kCarveout = CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT;
  CHECK(set_attribute(scale, kCarveout, 50) == CUDA_SUCCESS);
  CHECK(attribute(scale, kCarveout) == 50);
  CHECK(set_attribute(scale, kCarveout, 101) == CUDA_ERROR_INVALID_VALUE);
  CHECK(set_attribute(scale, CU_FUNC_ATTRIBUTE_NUM_REGS, 1) == CUDA_ERROR_INVALID_VALUE);
  CHECK(set_attribute(scale, CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH, 2) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Modules, "launches that make no sense") {
  const std::uint64_t out = allocate(4);
  const Handle scale = function(load(), "scale");
  const auto parameters = scale_parameters(out, 1, 1);
  CHECK(launch(scale, 0, 1, parameters) == CUDA_ERROR_INVALID_VALUE);
  CHECK(launch(scale, 1, 0, parameters) == CUDA_ERROR_INVALID_VALUE);
  CHECK(launch(scale, 1, 1025, parameters) == CUDA_ERROR_INVALID_VALUE);
  CHECK(launch(scale, UINT32_MAX, 1, parameters) == CUDA_ERROR_INVALID_VALUE);
  CHECK_MESSAGE(launch(scale, 1, 1, Request().value(out)) == CUDA_ERROR_INVALID_VALUE,
                "parameters are missing");
  CHECK(launch(scale, 1, 1, Request()) == CUDA_ERROR_INVALID_VALUE);
}

TEST_CASE_FIXTURE(Modules, "function, stream and thread share a context") {
  const std::uint64_t out = allocate(4);
  const Handle scale = function(load(), "scale");
  const auto parameters = scale_parameters(out, 1, 1);
  const Handle other = create_context();
  Handle foreign = 0;
  REQUIRE(backend.cuStreamCreate(other, foreign, 0) == CUDA_SUCCESS);
  CHECK(launch(scale, 1, 1, parameters, foreign) == CUDA_ERROR_INVALID_HANDLE);
  context = other;
  CHECK(launch(scale, 1, 1, parameters) == CUDA_ERROR_INVALID_HANDLE);
}

TEST_CASE_FIXTURE(Modules, "what a kernel does wrong has its own error, and names the place") {
  const Handle module = load();
  CHECK(launch(function(module, "poke"), 1, 1, Request().value<std::uint64_t>(0x1000)) ==
        CUDA_ERROR_ILLEGAL_ADDRESS);
  CHECK_MESSAGE(message.find("poke") != std::string::npos, message);
  const std::uint64_t address = allocate(8);
  CHECK(launch(function(module, "poke"), 1, 1, Request().value(address + 1)) ==
        CUDA_ERROR_MISALIGNED_ADDRESS);
}

TEST_CASE_FIXTURE(Modules, "a kernel that does not end is ended") {
  CHECK(launch(function(load(), "forever"), 1, 1, Request()) == CUDA_ERROR_LAUNCH_TIMEOUT);
}

TEST_CASE_FIXTURE(Modules, "unloading a module takes its functions along") {
  const Handle module = load();
  const Handle scale = function(module, "scale");
  CHECK(backend.cuModuleUnload(context, module) == CUDA_SUCCESS);
  CHECK(launch(scale, 1, 1, scale_parameters(0, 0, 0)) == CUDA_ERROR_INVALID_HANDLE);
  CHECK(result([&] { return backend.cuModuleUnload(context, module); }) == CUDA_ERROR_INVALID_HANDLE);
}

TEST_CASE_FIXTURE(Modules, "handles that are no module or function") {
  Handle stream = 0;
  REQUIRE(backend.cuStreamCreate(context, stream, 0) == CUDA_SUCCESS);
  for (const Handle wrong : {Handle{0}, Handle{7}, stream, context, ~Handle{0}}) {
    CAPTURE(wrong);
    const auto invalid = CUDA_ERROR_INVALID_HANDLE;
    Handle handle = 0;
    std::uint64_t u64 = 0;
    std::uint32_t u32 = 0;
    std::int32_t i32 = 0;
    CHECK(result([&] { return backend.cuModuleUnload(context, wrong); }) == invalid);
    CHECK(result([&] { return backend.cuModuleGetFunction(context, handle, wrong, "scale"); }) == invalid);
    CHECK(result([&] { return backend.vgpuModuleGetGlobal(context, u64, u64, u64, wrong, "counter"); }) ==
          invalid);
    CHECK(result([&] { return backend.cuModuleGetFunctionCount(context, u32, wrong); }) == invalid);
    CHECK(result([&] { return backend.vgpuModuleFunctions(context, {}, wrong); }) == invalid);
    CHECK(result([&] { return backend.vgpuFunctionNameLength(context, u64, wrong); }) == invalid);
    CHECK(result([&] { return backend.vgpuFunctionName(context, {}, wrong); }) == invalid);
    CHECK(result([&] { return backend.cuFuncGetAttribute(context, i32, 0, wrong); }) == invalid);
    CHECK(set_attribute(wrong, 8, 0) == invalid);
    CHECK(result([&] { return backend.cuFuncGetModule(context, handle, wrong); }) == invalid);
    CHECK(result([&] { return backend.cuFuncGetParamInfo(context, wrong, 0, u64, u64); }) == invalid);
    CHECK(launch(wrong, 1, 1, Request()) == invalid);
  }
}

TEST_CASE_FIXTURE(Modules, "the functions of a module and their names") {
  const Handle module = load();
  const Handle scale = function(module, "scale");
  // Room for one more than there are, and for half a handle.
  std::array<Handle, 5> found{};
  found.fill(7);
  CHECK(backend.vgpuModuleFunctions(context, std::as_writable_bytes(std::span(found)).first(36), module) ==
        CUDA_SUCCESS);
  CHECK(found[3] == 0);
  std::vector<std::string> names;
  for (const Handle handle : std::span(found).first(3)) {
    std::uint64_t bytes = 0;
    CHECK(backend.vgpuFunctionNameLength(context, bytes, handle) == CUDA_SUCCESS);
    std::string name(bytes, '?');
    CHECK(backend.vgpuFunctionName(context, std::as_writable_bytes(std::span(name)), handle) == CUDA_SUCCESS);
    CHECK(function(module, name) == handle);
    names.push_back(name);
  }
  std::ranges::sort(names);
  CHECK(names == std::vector<std::string>{"forever", "poke", "scale"});
  CHECK(std::ranges::find(found, scale) != found.end());

  std::array<Handle, 1> first{};
  CHECK(backend.vgpuModuleFunctions(context, std::as_writable_bytes(std::span(first)), module) ==
        CUDA_SUCCESS);
  CHECK(first[0] == found[0]);
  std::string text(6, '?');
  const auto ask = [&] {
    return backend.vgpuFunctionName(context, std::as_writable_bytes(std::span(text)), scale);
  };
  CHECK(result(ask) == CUDA_ERROR_INVALID_VALUE);
  CHECK(text == "??????");
}

TEST_CASE_FIXTURE(Modules, "the device describes itself") {
  const auto devices = backend.devices();
  REQUIRE(devices.size() == 1);
  const vgpu_device& device = devices[0];
  const auto attribute = [&](CUdevice_attribute which) { return device.attributes[which]; };
  CHECK(device.total_memory == 64 << 20);
  // Addresses are more than memory: programs reserve them.
  CHECK(device.address_bytes == DeviceSpace::address_bytes(64 << 20));
  const std::uint64_t address = allocate(1);
  CHECK(address >= device.address_base);
  CHECK(address < device.address_base + device.address_bytes);
  CHECK(std::string_view(device.name).starts_with("vgpu software GPU"));
  CHECK(std::string_view(device.pci_bus_id) == "7667:01:00.0");
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID) == 0x7667);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) == 8);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR) == 0);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_WARP_SIZE) == 32);
  // As clock() counts, which is in nanoseconds.
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_CLOCK_RATE) == 1'000'000);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK) == 1024);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT) == 1);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING) == 1);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY) == 1);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH) == 1);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) == 1);
  CHECK(attribute(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_WIDTH) == 0);
  // Every attribute that CUDA names has an answer; the numbers in between that are no attribute have none.
  for (int i = 1; i <= CU_DEVICE_ATTRIBUTE_ONLY_PARTIAL_HOST_NATIVE_ATOMIC_SUPPORTED; ++i) {
    CAPTURE(i);
    CHECK(device.attributes[i] != VGPU_ATTRIBUTE_UNKNOWN);
  }
  CHECK(device.attributes[0] == VGPU_ATTRIBUTE_UNKNOWN);
  CHECK(device.attributes[159] == VGPU_ATTRIBUTE_UNKNOWN);
}
