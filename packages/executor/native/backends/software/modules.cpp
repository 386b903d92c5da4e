// Modules, their functions, and launches.
#include <algorithm>
#include <cstring>

#include "backends/software/address_guard.h"
#include "backends/software/busy_span.h"
#include "backends/software/software_backend.h"

namespace vgpu::executor {
namespace {

/// What a block may use at most, without cuFuncSetAttribute, beside what the kernel declares.
std::int32_t default_dynamic_shared_limit(const software::Gpu& gpu, const software::Kernel& kernel) {
  return std::max(0, gpu.limits().max_shared_bytes_per_block - kernel.attributes().static_shared_bytes);
}

}  // namespace

CUresult SoftwareBackend::vgpuModuleLoad(Handle current, Handle& module, std::span<const std::byte> image) {
  require_context(current);
  auto code = gpu_->load(image, shares_memory_ ? &managed_variables_ : nullptr);
  space_.claim(0);  // the module's variables are memory too
  module = modules_.insert(Module{current, std::move(code), {}});
  return CUDA_SUCCESS;
}

std::string SoftwareBackend::loaded_code() {
  std::size_t modules = 0;
  std::size_t kernels = 0;
  for (const auto& [handle, module] : modules_) {
    modules += 1;
    kernels += module.code->decoded_kernels();
  }
  return std::to_string(modules) + " modules, " + std::to_string(kernels) + " decoded kernels";
}

CUresult SoftwareBackend::cuModuleUnload(Handle current, Handle module) {
  require_context(current);
  static_cast<void>(modules_.at(module));
  functions_.erase_if([module](const Function& function) { return function.module == module; });
  modules_.erase(module);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuModuleGetFunction(Handle current, Handle& function, Handle module,
                                              std::string_view name) {
  require_context(current);
  Module& owner = modules_.at(module);
  if (const auto known = owner.functions.find(name); known != owner.functions.end()) {
    function = known->second;
    return CUDA_SUCCESS;
  }
  if (!owner.code->has_kernel(name)) {
    throw CallError(CUDA_ERROR_NOT_FOUND, "the module has no kernel " + std::string(name));
  }
  function = functions_.insert(Function{owner.context, module, std::string(name), std::nullopt});
  owner.functions.emplace(name, function);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuModuleGetGlobal(Handle current, std::uint64_t& address, std::uint64_t& bytes,
                                              std::uint64_t& mapped_bytes, Handle module,
                                              std::string_view name) {
  require_context(current);
  const auto global = modules_.at(module).code->global(name);
  if (!global) throw CallError(CUDA_ERROR_NOT_FOUND, "the module has no variable " + std::string(name));
  variables_[global->address] = module;
  address = global->address;
  bytes = global->bytes;
  mapped_bytes = 0;
  if (global->managed) {
    const SharedMemory& shared = managed_variables_.at(global->address);
    mapped_bytes = shared.bytes;
    passed_descriptor_ = shared.descriptor;
  }
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuModuleGetFunctionCount(Handle current, std::uint32_t& count, Handle module) {
  require_context(current);
  count = static_cast<std::uint32_t>(modules_.at(module).code->kernel_names().size());
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuModuleFunctions(Handle current, std::span<std::byte> functions, Handle module) {
  require_context(current);
  std::ranges::fill(functions, std::byte{});
  for (const std::string& name : modules_.at(module).code->kernel_names()) {
    Handle function = 0;
    if (functions.size() < sizeof(function)) break;
    const CUresult result = cuModuleGetFunction(current, function, module, name);
    if (result != CUDA_SUCCESS) return result;
    std::memcpy(functions.data(), &function, sizeof(function));
    functions = functions.subspan(sizeof(function));
  }
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuFunctionNameLength(Handle current, std::uint64_t& bytes, Handle function) {
  require_context(current);
  bytes = functions_.at(function).name.size();
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuFunctionName(Handle current, std::span<std::byte> name, Handle function) {
  require_context(current);
  const std::string& known = functions_.at(function).name;
  if (name.size() != known.size()) {
    throw CallError(CUDA_ERROR_INVALID_VALUE,
                    std::to_string(name.size()) + " bytes for a name of " + std::to_string(known.size()));
  }
  std::ranges::copy(std::as_bytes(std::span(known)), name.begin());
  return CUDA_SUCCESS;
}

const software::Kernel& SoftwareBackend::kernel_of(const Function& function) {
  return modules_.at(function.module).code->kernel(function.name);
}

std::int32_t SoftwareBackend::dynamic_shared_limit(const Function& function) {
  return function.dynamic_shared_limit.value_or(default_dynamic_shared_limit(*gpu_, kernel_of(function)));
}

CUresult SoftwareBackend::cuFuncGetAttribute(Handle current, std::int32_t& value, std::int32_t attribute,
                                             Handle function) {
  require_context(current);
  const Function& object = functions_.at(function);
  const software::KernelAttributes& attributes = kernel_of(object).attributes();
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
      value = attributes.max_threads_per_block;
      break;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
      value = attributes.static_shared_bytes;
      break;
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
      value = attributes.constant_bytes;
      break;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
      value = attributes.local_bytes;
      break;
    case CU_FUNC_ATTRIBUTE_NUM_REGS:
      value = attributes.registers;
      break;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
      value = attributes.ptx_version;
      break;
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
      value = attributes.binary_version;
      break;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
      value = dynamic_shared_limit(object);
      break;
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
      value = object.shared_memory_carveout;
      break;
    // This compute capability has no thread block clusters, and no image was compiled with -Xptxas --dlcm=ca.
    case CU_FUNC_ATTRIBUTE_CACHE_MODE_CA:
    case CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
    case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
    case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
    case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
      value = 0;
      break;
    default:
      throw CallError(CUDA_ERROR_INVALID_VALUE, "function attribute " + std::to_string(attribute));
  }
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuFuncSetAttribute(Handle current, Handle function, std::int32_t attribute,
                                             std::int32_t value) {
  require_context(current);
  Function& object = functions_.at(function);
  const auto refuse = [&](std::int32_t limit) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, "function attribute " + std::to_string(attribute) + " of " +
                                                  object.name + " cannot be " + std::to_string(value) +
                                                  ", at most " + std::to_string(limit));
  };
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: {
      const std::int32_t limit = gpu_->limits().max_shared_bytes_per_block_optin -
                                 kernel_of(object).attributes().static_shared_bytes;
      if (value < 0 || value > limit) refuse(limit);
      object.dynamic_shared_limit = value;
      return CUDA_SUCCESS;
    }
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
      // A hint in percent, -1 for none: shared memory has its own place here, so there is nothing to carve.
      if (value < -1 || value > 100) refuse(100);
      object.shared_memory_carveout = value;
      return CUDA_SUCCESS;
    default:
      throw CallError(CUDA_ERROR_INVALID_VALUE,
                      "function attribute " + std::to_string(attribute) + " cannot be set on this device");
  }
}

CUresult SoftwareBackend::cuFuncGetModule(Handle current, Handle& module, Handle function) {
  require_context(current);
  module = functions_.at(function).module;
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::cuFuncGetParamInfo(Handle current, Handle function, std::uint64_t index,
                                             std::uint64_t& offset, std::uint64_t& bytes) {
  require_context(current);
  const auto parameters = kernel_of(functions_.at(function)).parameters();
  // Not an exception: guests count the parameters by asking until there are none, which is no event for the
  // log.
  if (index >= parameters.size()) return CUDA_ERROR_INVALID_VALUE;
  offset = parameters[index].offset;
  bytes = parameters[index].bytes;
  return CUDA_SUCCESS;
}

void SoftwareBackend::launch(Handle current, Handle function, software::LaunchConfiguration configuration,
                             Handle stream, std::span<const std::byte> parameters) {
  const Stream queue = resolve_stream(current, stream);
  const Function& object = functions_.at(function);
  if (object.context != current || queue.context != current) {
    throw CallError(CUDA_ERROR_INVALID_HANDLE,
                    object.name + ": function, stream and thread differ in context");
  }
  const software::Kernel& kernel = kernel_of(object);
  const std::int32_t shared_limit = dynamic_shared_limit(object);
  if (configuration.dynamic_shared_bytes > static_cast<std::uint32_t>(shared_limit)) {
    throw CallError(CUDA_ERROR_INVALID_VALUE,
                    object.name + ": " + std::to_string(configuration.dynamic_shared_bytes) +
                        " bytes of dynamic shared memory, at most " + std::to_string(shared_limit));
  }
  Context& context = contexts_.at(current);
  software::DeviceRuntime& runtime = *context.runtime;
  if (kernel.allocates() && !runtime.heap.is_reserved()) space_.claim(runtime.limits.heap);
  context.has_printed = context.has_printed || kernel.prints();
  configuration.time_limit = kernel_time_limit_;
  configuration.runtime = &runtime;
  try {
    const BusySpan busy(account_);
    gpu_->launch(kernel, configuration, parameters);
  } catch (...) {
    keep_output(runtime.output);
    throw;
  }
  keep_output(runtime.output);
  if (const auto fault = AddressGuard::take_fault()) {
    throw CallError(CUDA_ERROR_ILLEGAL_ADDRESS, object.name + " touches the reserved address " +
                                                    std::to_string(*fault) +
                                                    " without access to memory there");
  }
}

CUresult SoftwareBackend::vgpuLaunchKernel(Handle current, Handle function, std::uint32_t grid_x,
                                           std::uint32_t grid_y, std::uint32_t grid_z, std::uint32_t block_x,
                                           std::uint32_t block_y, std::uint32_t block_z,
                                           std::uint32_t dynamic_shared_bytes, Handle stream,
                                           std::span<const std::byte> parameters) {
  launch(current, function,
         {.grid = {grid_x, grid_y, grid_z},
          .block = {block_x, block_y, block_z},
          .dynamic_shared_bytes = dynamic_shared_bytes},
         stream, parameters);
  return CUDA_SUCCESS;
}

CUresult SoftwareBackend::vgpuLaunchCooperativeKernel(Handle current, Handle function, std::uint32_t grid_x,
                                                      std::uint32_t grid_y, std::uint32_t grid_z,
                                                      std::uint32_t block_x, std::uint32_t block_y,
                                                      std::uint32_t block_z,
                                                      std::uint32_t dynamic_shared_bytes, Handle stream,
                                                      std::span<const std::byte> parameters) {
  launch(current, function,
         {.grid = {grid_x, grid_y, grid_z},
          .block = {block_x, block_y, block_z},
          .dynamic_shared_bytes = dynamic_shared_bytes,
          .cooperative = true},
         stream, parameters);
  return CUDA_SUCCESS;
}

}  // namespace vgpu::executor
