// Modules travel whole, and a launch's parameters as one block of the size that the driver says.
#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "backends/real/module_image.h"
#include "backends/real/real_backend.h"

namespace vgpu::executor {
namespace {

// cuda.h: what may stand in the last argument of cuLaunchKernel.
const auto kBufferPointer = reinterpret_cast<void*>(1);  // CU_LAUNCH_PARAM_BUFFER_POINTER
const auto kBufferSize = reinterpret_cast<void*>(2);     // CU_LAUNCH_PARAM_BUFFER_SIZE
constexpr std::nullptr_t kEnd = nullptr;                 // CU_LAUNCH_PARAM_END

}  // namespace

CUresult RealBackend::vgpuModuleLoad(Handle current, Handle& module, std::span<const std::byte> image) {
  enter(current);
  const std::string checked = checked_image(image);
  CUmodule made{};
  const CUresult result = driver().cuModuleLoadData(&made, checked.data());
  if (result == CUDA_SUCCESS) module = objects_.modules.adopt(made, current);
  return result;
}

CUresult RealBackend::vgpuModuleGetGlobal(Handle current, std::uint64_t& address, std::uint64_t& bytes,
                                          std::uint64_t& mapped_bytes, Handle module, std::string_view name) {
  enter(current);
  CUdeviceptr found = 0;
  std::size_t size = 0;
  const CUresult result =
      driver().cuModuleGetGlobal_v2(&found, &size, objects_.modules.at(module), std::string(name).c_str());
  if (result != CUDA_SUCCESS) return result;
  address = visible_address(found);
  bytes = size;
  // The driver's managed memory exists in this process only: the guest says so to a program that wants it.
  mapped_bytes = 0;
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuModuleFunctions(Handle current, std::span<std::byte> functions, Handle module) {
  enter(current);
  std::vector<CUfunction> found(functions.size() / sizeof(Handle));
  const CUresult result = driver().cuModuleEnumerateFunctions(
      found.data(), static_cast<unsigned int>(found.size()), objects_.modules.at(module));
  if (result != CUDA_SUCCESS) return result;
  std::ranges::fill(functions, std::byte{});
  for (std::size_t i = 0; i < found.size() && found[i] != nullptr; ++i) {
    const Handle number = objects_.functions.adopt(found[i], module);
    std::memcpy(functions.data() + i * sizeof(number), &number, sizeof(number));
  }
  return CUDA_SUCCESS;
}

std::string_view RealBackend::function_name(Handle current, Handle function) {
  enter(current);
  const char* name = nullptr;
  require(driver().cuFuncGetName(&name, objects_.functions.at(function)), "cuFuncGetName");
  return name;
}

CUresult RealBackend::vgpuFunctionNameLength(Handle current, std::uint64_t& bytes, Handle function) {
  bytes = function_name(current, function).size();
  return CUDA_SUCCESS;
}

CUresult RealBackend::vgpuFunctionName(Handle current, std::span<std::byte> name, Handle function) {
  const std::string_view known = function_name(current, function);
  if (name.size() != known.size()) {
    throw CallError(CUDA_ERROR_INVALID_VALUE,
                    std::to_string(name.size()) + " bytes for a name of " + std::to_string(known.size()));
  }
  std::ranges::copy(std::as_bytes(std::span(known)), name.begin());
  return CUDA_SUCCESS;
}

std::size_t RealBackend::parameter_bytes(Handle function) {
  // Numbers are never given out twice, so what was learnt stays true.
  if (const auto known = parameter_bytes_.find(function); known != parameter_bytes_.end())
    return known->second;
  const CUfunction object = objects_.functions.at(function);
  std::size_t total = 0;
  for (std::size_t i = 0;; ++i) {
    std::size_t offset = 0;
    std::size_t bytes = 0;
    const CUresult result = driver().cuFuncGetParamInfo(object, i, &offset, &bytes);
    if (result == CUDA_ERROR_INVALID_VALUE) break;  // there are only i
    require(result, "cuFuncGetParamInfo");
    total = std::max(total, offset + bytes);
  }
  parameter_bytes_.emplace(function, total);
  return total;
}

CUresult RealBackend::launch(Handle current, Handle function, CUlaunchConfig configuration, Handle stream,
                             std::span<const std::byte> parameters) {
  enter(current);
  const CUfunction object = objects_.functions.at(function);
  configuration.hStream = stream_at(stream);
  // The driver would read beyond a block that is too short.
  const std::size_t needed = parameter_bytes(function);
  if (parameters.size() < needed) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, std::to_string(parameters.size()) +
                                                  " bytes of parameters, the kernel reads " +
                                                  std::to_string(needed));
  }
  std::size_t bytes = needed;
  // The driver only reads what it is given here.
  std::array<void*, 5> extra{kBufferPointer, const_cast<std::byte*>(parameters.data()), kBufferSize, &bytes,
                             kEnd};
  void** given = needed == 0 ? nullptr : extra.data();
  // Drivers before CUDA 11.8 have no cuLaunchKernelEx, which only attributes need.
  if (configuration.numAttrs != 0) return driver().cuLaunchKernelEx(&configuration, object, nullptr, given);
  return driver().cuLaunchKernel(object, configuration.gridDimX, configuration.gridDimY,
                                 configuration.gridDimZ, configuration.blockDimX, configuration.blockDimY,
                                 configuration.blockDimZ, configuration.sharedMemBytes, configuration.hStream,
                                 nullptr, given);
}

CUresult RealBackend::vgpuLaunchKernel(Handle current, Handle function, std::uint32_t grid_x,
                                       std::uint32_t grid_y, std::uint32_t grid_z, std::uint32_t block_x,
                                       std::uint32_t block_y, std::uint32_t block_z,
                                       std::uint32_t dynamic_shared_bytes, Handle stream,
                                       std::span<const std::byte> parameters) {
  return launch(
      current, function,
      {grid_x, grid_y, grid_z, block_x, block_y, block_z, dynamic_shared_bytes, nullptr, nullptr, 0}, stream,
      parameters);
}

CUresult RealBackend::vgpuLaunchCooperativeKernel(Handle current, Handle function, std::uint32_t grid_x,
                                                  std::uint32_t grid_y, std::uint32_t grid_z,
                                                  std::uint32_t block_x, std::uint32_t block_y,
                                                  std::uint32_t block_z, std::uint32_t dynamic_shared_bytes,
                                                  Handle stream, std::span<const std::byte> parameters) {
  // CUlaunchAttribute in cuda.h: the identifier, then 64 bytes of value on an 8-byte boundary.
  struct Attribute {
    std::uint64_t id;
    std::uint64_t value[8];
  } attribute{CU_LAUNCH_ATTRIBUTE_COOPERATIVE, {1}};
  return launch(
      current, function,
      {grid_x, grid_y, grid_z, block_x, block_y, block_z, dynamic_shared_bytes, nullptr, &attribute, 1},
      stream, parameters);
}

}  // namespace vgpu::executor
