// The CUDA driver's object model over the software GPU: one device, every stream in order and at once.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/backend.h"
#include "backends/handle_table.h"
#include "backends/kept_output.h"
#include "backends/software/device_space.h"
#include "backends/software/objects.h"
#include "backends/software/profile_report.h"
#include "vgpu/blas/multiplier.h"
#include "vgpu/software_gpu/gpu.h"

namespace vgpu::executor {

class SoftwareBackend final : public Backend {
 public:
  /// Throws software::Error when the address space for the device's memory cannot be had.
  explicit SoftwareBackend(const BackendOptions& options);

  [[nodiscard]] std::string name() const override { return "software"; }
  [[nodiscard]] std::int32_t driver_version() const override { return 13000; }
  [[nodiscard]] std::string driver_release() const override { return "580.0"; }
  [[nodiscard]] std::vector<vgpu_device> devices() override;
  [[nodiscard]] int take_descriptor() override { return std::exchange(passed_descriptor_, -1); }
  [[nodiscard]] std::string loaded_code() override;
  [[nodiscard]] std::uint64_t memory_in_use() const override { return space_.used_bytes(); }
  [[nodiscard]] bool has_output() override { return !output_.empty(); }
  [[nodiscard]] CUresult result_of(const std::exception& error) const override;

  // contexts.cpp
  CUresult cuDevicePrimaryCtxRetain(Handle, Handle& context, std::int32_t device) override;
  CUresult cuDevicePrimaryCtxRelease_v2(Handle, std::int32_t device) override;
  CUresult cuDevicePrimaryCtxReset_v2(Handle, std::int32_t device) override;
  CUresult cuDevicePrimaryCtxGetState(Handle, std::int32_t device, std::uint32_t& flags,
                                      std::int32_t& active) override;
  CUresult cuDevicePrimaryCtxSetFlags_v2(Handle, std::int32_t device, std::uint32_t flags) override;
  CUresult vgpuContextCreate(Handle, Handle& context, std::uint32_t flags, std::int32_t device) override;
  CUresult vgpuContextDestroy(Handle, Handle context) override;
  CUresult vgpuContextDevice(Handle, std::int32_t& device, Handle context) override;
  CUresult cuCtxSynchronize(Handle current) override;
  CUresult vgpuContextSynchronize(Handle current) override;
  CUresult cuCtxGetFlags(Handle current, std::uint32_t& flags) override;
  CUresult cuCtxSetLimit(Handle current, std::int32_t limit, std::uint64_t value) override;
  CUresult cuCtxGetLimit(Handle current, std::uint64_t& value, std::int32_t limit) override;

  // modules.cpp
  CUresult vgpuModuleLoad(Handle current, Handle& module, std::span<const std::byte> image) override;
  CUresult cuModuleUnload(Handle current, Handle module) override;
  CUresult cuModuleGetFunction(Handle current, Handle& function, Handle module,
                               std::string_view name) override;
  CUresult vgpuModuleFunctions(Handle current, std::span<std::byte> functions, Handle module) override;
  CUresult vgpuFunctionNameLength(Handle current, std::uint64_t& bytes, Handle function) override;
  CUresult vgpuFunctionName(Handle current, std::span<std::byte> name, Handle function) override;
  CUresult vgpuModuleGetGlobal(Handle current, std::uint64_t& address, std::uint64_t& bytes,
                               std::uint64_t& mapped_bytes, Handle module, std::string_view name) override;
  CUresult cuModuleGetFunctionCount(Handle current, std::uint32_t& count, Handle module) override;
  CUresult cuFuncGetAttribute(Handle current, std::int32_t& value, std::int32_t attribute,
                              Handle function) override;
  CUresult cuFuncSetAttribute(Handle current, Handle function, std::int32_t attribute,
                              std::int32_t value) override;
  CUresult cuFuncGetModule(Handle current, Handle& module, Handle function) override;
  CUresult cuFuncGetParamInfo(Handle current, Handle function, std::uint64_t index, std::uint64_t& offset,
                              std::uint64_t& bytes) override;
  CUresult vgpuLaunchKernel(Handle current, Handle function, std::uint32_t grid_x, std::uint32_t grid_y,
                            std::uint32_t grid_z, std::uint32_t block_x, std::uint32_t block_y,
                            std::uint32_t block_z, std::uint32_t dynamic_shared_bytes, Handle stream,
                            std::span<const std::byte> parameters) override;

  CUresult vgpuLaunchCooperativeKernel(Handle current, Handle function, std::uint32_t grid_x,
                                       std::uint32_t grid_y, std::uint32_t grid_z, std::uint32_t block_x,
                                       std::uint32_t block_y, std::uint32_t block_z,
                                       std::uint32_t dynamic_shared_bytes, Handle stream,
                                       std::span<const std::byte> parameters) override;

  // output.cpp
  CUresult vgpuOutputPending(Handle, std::uint64_t& bytes, std::int32_t& stream) override;
  CUresult vgpuOutputTake(Handle, std::span<std::byte> text) override;

  // memory.cpp
  CUresult cuMemGetInfo_v2(Handle current, std::uint64_t& free, std::uint64_t& total) override;
  CUresult vgpuDeviceMemory(Handle, std::uint64_t& free, std::uint64_t& total, std::int32_t device) override;
  CUresult vgpuDeviceXid(Handle, std::uint64_t& next, std::uint32_t& xid, std::uint64_t seen,
                         std::int32_t device) override;
  CUresult vgpuDeviceUtilization(Handle, std::uint32_t& percent, std::int32_t device) override;
  CUresult vgpuDeviceProcesses(Handle, std::span<std::byte> processes, std::int32_t device) override;
  CUresult cuMemAlloc_v2(Handle current, std::uint64_t& address, std::uint64_t bytes) override;
  CUresult cuMemAllocPitch_v2(Handle current, std::uint64_t& address, std::uint64_t& pitch,
                              std::uint64_t width, std::uint64_t height,
                              std::uint32_t element_bytes) override;
  CUresult vgpuMemAllocShared(Handle current, std::uint64_t& address, std::uint64_t& mapped_bytes,
                              std::uint64_t bytes) override;
  CUresult vgpuMemFree(Handle current, std::uint64_t address) override;
  CUresult cuMemGetAddressRange_v2(Handle current, std::uint64_t& base, std::uint64_t& bytes,
                                   std::uint64_t address) override;
  CUresult vgpuRequireRange(Handle current, std::uint64_t address, std::uint64_t bytes) override;
  CUresult vgpuPointerContext(Handle, Handle& context, std::uint64_t pointer) override;

  // memory_pools.cpp
  CUresult cuDeviceGetDefaultMemPool(Handle, Handle& pool, std::int32_t device) override;
  CUresult cuDeviceGetMemPool(Handle, Handle& pool, std::int32_t device) override;
  CUresult cuDeviceSetMemPool(Handle, std::int32_t device, Handle pool) override;
  CUresult vgpuMemPoolCreate(Handle, Handle& pool, std::int32_t device, std::uint64_t maximum_bytes) override;
  CUresult cuMemPoolDestroy(Handle, Handle pool) override;
  CUresult cuMemPoolTrimTo(Handle, Handle pool, std::uint64_t bytes_to_keep) override;
  CUresult vgpuMemPoolGetAttribute(Handle, Handle pool, std::int32_t attribute,
                                   std::uint64_t& value) override;
  CUresult vgpuMemPoolSetAttribute(Handle, Handle pool, std::int32_t attribute, std::uint64_t value) override;
  CUresult vgpuMemAllocAsync(Handle current, std::uint64_t& address, std::uint64_t bytes,
                             Handle stream) override;
  CUresult vgpuMemAllocFromPoolAsync(Handle current, std::uint64_t& address, std::uint64_t bytes, Handle pool,
                                     Handle stream) override;
  CUresult vgpuMemFreeAsync(Handle current, std::uint64_t address, Handle stream) override;

  // virtual_memory.cpp
  CUresult cuMemAddressReserve(Handle, std::uint64_t& address, std::uint64_t bytes, std::uint64_t alignment,
                               std::uint64_t wish, std::uint64_t flags) override;
  CUresult cuMemAddressFree(Handle, std::uint64_t address, std::uint64_t bytes) override;
  CUresult vgpuMemCreate(Handle, Handle& handle, std::uint64_t bytes, std::int32_t device) override;
  CUresult cuMemRelease(Handle, Handle handle) override;
  CUresult cuMemMap(Handle, std::uint64_t address, std::uint64_t bytes, std::uint64_t offset, Handle handle,
                    std::uint64_t flags) override;
  CUresult cuMemUnmap(Handle, std::uint64_t address, std::uint64_t bytes) override;
  CUresult vgpuMemSetAccess(Handle, std::uint64_t address, std::uint64_t bytes, std::int32_t access) override;
  CUresult vgpuMemGetAccess(Handle, std::uint64_t& access, std::uint64_t address) override;
  CUresult vgpuMemHandleDevice(Handle, std::int32_t& device, Handle handle) override;
  CUresult vgpuMemRetainHandle(Handle, Handle& handle, std::uint64_t address) override;

  // arrays.cpp
  CUresult vgpuArrayCreate(Handle current, Handle& array, std::span<const std::byte> bytes) override;
  CUresult vgpuArrayDescription(Handle current, std::span<std::byte> description, Handle array) override;
  CUresult cuArrayDestroy(Handle current, Handle array) override;
  CUresult vgpuCopyRowsToArray(Handle current, Handle array, std::uint64_t x, std::uint64_t y,
                               std::uint64_t z, std::span<const std::byte> rows, std::uint64_t width,
                               std::uint64_t height, Handle stream) override;
  CUresult vgpuCopyRowsFromArray(Handle current, std::span<std::byte> rows, Handle array, std::uint64_t x,
                                 std::uint64_t y, std::uint64_t z, std::uint64_t width, std::uint64_t height,
                                 Handle stream) override;
  CUresult vgpuCopyDeviceToArray(Handle current, Handle array, std::uint64_t x, std::uint64_t y,
                                 std::uint64_t z, std::uint64_t source, std::uint64_t pitch,
                                 std::uint64_t width, std::uint64_t height, Handle stream) override;
  CUresult vgpuCopyArrayToDevice(Handle current, std::uint64_t destination, std::uint64_t pitch, Handle array,
                                 std::uint64_t x, std::uint64_t y, std::uint64_t z, std::uint64_t width,
                                 std::uint64_t height, Handle stream) override;
  CUresult vgpuCopyArrayToArray(Handle current, Handle destination, std::uint64_t x, std::uint64_t y,
                                std::uint64_t z, Handle source, std::uint64_t source_x,
                                std::uint64_t source_y, std::uint64_t source_z, std::uint64_t width,
                                std::uint64_t height, Handle stream) override;

  // textures.cpp
  CUresult vgpuTexObjectCreate(Handle current, Handle& texture, std::span<const std::byte> bytes) override;
  CUresult vgpuTexObjectDescription(Handle current, std::span<std::byte> description,
                                    Handle texture) override;
  CUresult cuTexObjectDestroy(Handle current, Handle texture) override;

  // copies.cpp
  CUresult vgpuCopyToDevice(Handle current, std::uint64_t destination, std::span<const std::byte> source,
                            std::uint64_t total_bytes, Handle stream) override;
  CUresult vgpuCopyFromDevice(Handle current, std::span<std::byte> destination, std::uint64_t source,
                              std::uint64_t total_bytes, Handle stream) override;
  CUresult vgpuCopyOnDevice(Handle current, std::uint64_t destination, std::uint64_t source,
                            std::uint64_t bytes, Handle stream) override;
  CUresult vgpuCopyRowsToDevice(Handle current, std::uint64_t destination, std::uint64_t pitch,
                                std::span<const std::byte> rows, std::uint64_t width, std::uint64_t height,
                                Handle stream) override;
  CUresult vgpuCopyRowsFromDevice(Handle current, std::span<std::byte> rows, std::uint64_t source,
                                  std::uint64_t pitch, std::uint64_t width, std::uint64_t height,
                                  Handle stream) override;
  CUresult vgpuCopyRowsOnDevice(Handle current, std::uint64_t destination, std::uint64_t destination_pitch,
                                std::uint64_t source, std::uint64_t source_pitch, std::uint64_t width,
                                std::uint64_t height, Handle stream) override;
  CUresult vgpuFill(Handle current, std::uint64_t destination, std::uint64_t pitch, std::uint32_t value,
                    std::uint32_t element_bytes, std::uint64_t width, std::uint64_t height,
                    Handle stream) override;

  // blas.cpp
  CUresult vgpuBlasOpen(Handle current) override;
  CUresult vgpuBlasMultiply(Handle current, std::span<const std::byte> description, Handle stream) override;
  CUresult vgpuBlasSolve(Handle current, std::span<const std::byte> description, Handle stream) override;
  CUresult vgpuBlasVector(Handle current, std::span<const std::byte> description, Handle stream) override;
  CUresult vgpuBlasReduce(Handle current, std::uint64_t& bits, std::span<const std::byte> description,
                          Handle stream) override;

  // streams.cpp
  CUresult cuStreamCreate(Handle current, Handle& stream, std::uint32_t flags) override;
  CUresult cuStreamCreateWithPriority(Handle current, Handle& stream, std::uint32_t flags,
                                      std::int32_t priority) override;
  CUresult cuStreamGetPriority(Handle current, Handle stream, std::int32_t& priority) override;
  CUresult cuStreamGetFlags(Handle current, Handle stream, std::uint32_t& flags) override;
  CUresult cuStreamGetCtx(Handle current, Handle stream, Handle& context) override;
  CUresult cuStreamGetId(Handle current, Handle stream, std::uint64_t& id) override;
  CUresult vgpuStreamWaitEvent(Handle current, Handle stream, Handle event, std::uint32_t flags) override;
  CUresult cuStreamQuery(Handle current, Handle stream) override;
  CUresult cuStreamSynchronize(Handle current, Handle stream) override;
  CUresult cuStreamDestroy_v2(Handle current, Handle stream) override;
  CUresult cuEventCreate(Handle current, Handle& event, std::uint32_t flags) override;
  CUresult vgpuEventRecord(Handle current, Handle event, Handle stream) override;
  CUresult cuEventQuery(Handle current, Handle event) override;
  CUresult cuEventSynchronize(Handle current, Handle event) override;
  CUresult cuEventDestroy_v2(Handle current, Handle event) override;
  CUresult cuEventElapsedTime(Handle current, float& milliseconds, Handle start, Handle end) override;

 private:
  /// Throws CallError: CUDA_ERROR_INVALID_CONTEXT, CUDA_ERROR_CONTEXT_IS_DESTROYED.
  Context& live_context(Handle context);
  void require_context(Handle current) { static_cast<void>(live_context(current)); }
  /// Frees everything that the context owns.
  void clear_context(Handle context);
  [[nodiscard]] bool primary_is_active() const { return primary_.retained != 0; }

  /// The stream that `stream` means to a thread whose current context is `current`; a default stream has no
  /// object of its own, so one is made up. Throws CallError.
  Stream resolve_stream(Handle current, Handle stream);

  void launch(Handle current, Handle function, software::LaunchConfiguration configuration, Handle stream,
              std::span<const std::byte> parameters);

  /// Throws CallError with CUDA_ERROR_INVALID_VALUE, as the documentation has it for pools.
  MemoryPool& pool_at(Handle pool);
  MemoryHandle& memory_handle_at(Handle handle);
  /// Throws CallError with CUDA_ERROR_INVALID_VALUE, as the documentation has it for texture objects.
  [[nodiscard]] const TextureObject& texture_at(Handle texture) const;
  void clear_textures(Handle context);
  /// Of a description that has been checked. Throws CallError.
  [[nodiscard]] software::Texture texture_over_array(vgpu_texture description);
  void clear_arrays(Handle context);
  /// Gives the memory back; the entry in allocations_ stays the caller's to remove.
  void free_allocation(std::uint64_t address, const Allocation& allocation);

  /// After a launch: keeps what it printed until the client fetches it.
  void keep_output(software::DeviceOutput& printed);

  /// Decodes the kernel at its first use.
  const software::Kernel& kernel_of(const Function& function);
  std::int32_t dynamic_shared_limit(const Function& function);
  /// What every copy needs: a context and a stream.
  void require_stream(Handle current, Handle stream) { static_cast<void>(resolve_stream(current, stream)); }

  /// Made when it is first needed; the log says then what it works with.
  blas::Multiplier& multiplier();

  /// A copy or a fill wrote rows of `width` bytes.
  void note_written(std::uint64_t address, std::uint64_t pitch, std::uint64_t width, std::uint64_t height);

  [[nodiscard]] software::Observer* observer() const;

  std::unique_ptr<ProfileReport> profile_;  // where kernels are profiled; outlives the GPU
  std::unique_ptr<KernelCheck> check_;      // where kernels are checked; outlives the GPU
  std::unique_ptr<software::Gpu> gpu_;
  DeviceSpace space_;
  ClientAccount account_;
  ManagedVariables managed_variables_{space_};
  Log* log_;
  bool use_open_blas_;
  std::unique_ptr<blas::Multiplier> multiplier_;
  int passed_descriptor_ = -1;
  bool shares_memory_;
  std::chrono::milliseconds kernel_time_limit_;
  HandleTable<Context> contexts_{1, "context"};
  HandleTable<Module> modules_{2, "module"};
  HandleTable<Function> functions_{3, "function"};
  HandleTable<Stream> streams_{4, "stream"};
  HandleTable<Event> events_{5, "event"};
  HandleTable<MemoryPool> pools_{6, "memory pool"};
  HandleTable<MemoryHandle> memory_handles_{7, "memory handle"};
  HandleTable<ArrayObject> arrays_{8, "array"};
  Handle default_pool_ = 0;
  Handle current_pool_ = 0;
  std::map<std::uint64_t, Allocation> allocations_;  // by base
  // Base → module, of those variables whose address the client has asked for. An entry may outlive its
  // module.
  std::map<std::uint64_t, Handle> variables_;
  std::map<Handle, TextureObject> texture_objects_;  // by the number that kernels get
  PrimaryContext primary_;
  KeptOutput output_;
};

}  // namespace vgpu::executor
