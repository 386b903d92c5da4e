// CUDA calls on the machine's own driver. Most methods are generated (real_calls.cpp); here are those that
// need more than translated handles.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "backends/array_description.h"
#include "backends/real/cublas_handle.h"
#include "backends/real/output_capture.h"
#include "backends/real/shared_region.h"
#include "backends/real/staging.h"
#include "real_calls.h"

namespace vgpu::executor {

struct RealOptions {
  DriverChoice driver{};
  DriverSnapshot snapshot{};
  std::uint64_t memory_limit = 0;  // in bytes, for this client; 0: only the device's
  bool shares_memory = true;       // the client can be given files
  ClientAccount account{};         // to ask before memory is taken
  std::string cublas_path{};       // absolute; empty: the installed one
  bool capture_output = false;     // stdout and stderr of this process become the client's
  Log* log = nullptr;              // for what is decided later; outlives the backend
};

class RealBackend final : public RealCalls {
 public:
  explicit RealBackend(const RealOptions& options);
  /// Gives the driver back what the client has left.
  ~RealBackend() override;
  RealBackend(const RealBackend&) = delete;
  RealBackend& operator=(const RealBackend&) = delete;

  [[nodiscard]] std::string name() const override { return "real"; }
  [[nodiscard]] std::int32_t driver_version() const override { return snapshot_.driver_version; }
  [[nodiscard]] std::string driver_release() const override { return snapshot_.release; }
  [[nodiscard]] std::vector<vgpu_device> devices() override;
  [[nodiscard]] int take_descriptor() override { return std::exchange(passed_descriptor_, -1); }

  [[nodiscard]] bool has_output() override;

  [[nodiscard]] std::uint64_t memory_in_use() const override { return memory_used_; }

  // contexts.cpp
  CUresult cuDevicePrimaryCtxRetain(Handle, Handle& context, std::int32_t device) override;
  CUresult cuDevicePrimaryCtxRelease_v2(Handle, std::int32_t device) override;
  CUresult cuDevicePrimaryCtxReset_v2(Handle, std::int32_t device) override;
  CUresult vgpuContextCreate(Handle, Handle& context, std::uint32_t flags, std::int32_t device) override;
  CUresult vgpuContextDestroy(Handle, Handle context) override;
  CUresult vgpuContextDevice(Handle, std::int32_t& device, Handle context) override;

  // modules.cpp
  CUresult vgpuModuleLoad(Handle current, Handle& module, std::span<const std::byte> image) override;
  CUresult vgpuModuleFunctions(Handle current, std::span<std::byte> functions, Handle module) override;
  CUresult vgpuFunctionNameLength(Handle current, std::uint64_t& bytes, Handle function) override;
  CUresult vgpuFunctionName(Handle current, std::span<std::byte> name, Handle function) override;
  CUresult vgpuModuleGetGlobal(Handle current, std::uint64_t& address, std::uint64_t& bytes,
                               std::uint64_t& mapped_bytes, Handle module, std::string_view name) override;
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

  // blas.cpp
  CUresult vgpuBlasOpen(Handle current) override;
  CUresult vgpuBlasMultiply(Handle current, std::span<const std::byte> description, Handle stream) override;
  CUresult vgpuBlasSolve(Handle current, std::span<const std::byte> description, Handle stream) override;
  CUresult vgpuBlasVector(Handle current, std::span<const std::byte> description, Handle stream) override;
  CUresult vgpuBlasReduce(Handle current, std::uint64_t& bits, std::span<const std::byte> description,
                          Handle stream) override;

  // memory.cpp
  CUresult cuMemGetInfo_v2(Handle current, std::uint64_t& free, std::uint64_t& total) override;
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

  // memory_pools.cpp
  CUresult vgpuMemAllocAsync(Handle current, std::uint64_t& address, std::uint64_t bytes,
                             Handle stream) override;
  CUresult vgpuMemAllocFromPoolAsync(Handle current, std::uint64_t& address, std::uint64_t bytes, Handle pool,
                                     Handle stream) override;
  CUresult vgpuMemFreeAsync(Handle current, std::uint64_t address, Handle stream) override;
  CUresult vgpuMemPoolCreate(Handle, Handle& pool, std::int32_t device, std::uint64_t maximum_bytes) override;
  CUresult vgpuMemPoolGetAttribute(Handle, Handle pool, std::int32_t attribute,
                                   std::uint64_t& value) override;
  CUresult vgpuMemPoolSetAttribute(Handle, Handle pool, std::int32_t attribute, std::uint64_t value) override;

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

 private:
  CUresult launch(Handle current, Handle function, CUlaunchConfig configuration, Handle stream,
                  std::span<const std::byte> parameters);
  struct Allocation {
    Handle context = 0;
    std::uint64_t bytes = 0;
    std::unique_ptr<SharedRegion> shared;  // null: the driver's own memory
  };
  /// Physical memory of cuMemCreate. It counts until the last handle and the last mapping are gone.
  struct PhysicalMemory {
    CUmemGenericAllocationHandle object = 0;
    std::uint64_t bytes = 0;
    std::uint32_t references = 0;
    std::uint32_t mappings = 0;
  };
  struct Array {
    CUarray object = nullptr;
    Handle context = 0;
    vgpu_array description{};
  };
  struct Mapping {
    std::uint64_t bytes = 0;
    Handle memory = 0;
  };

  /// Before the driver is asked. Throws CallError with CUDA_ERROR_OUT_OF_MEMORY when this client's limit is
  /// reached, or that of all together.
  void require_budget(std::uint64_t bytes);
  /// Takes over what the driver allocated; gives it back when the client could not use its address.
  void own(Handle context, std::uint64_t address, std::uint64_t bytes);
  void disown(std::map<std::uint64_t, Allocation>::iterator allocation);
  /// The context's memory, functions and all else; the driver destroys them with it.
  void clear_context(Handle context);
  /// The allocation that holds the address.
  const std::pair<const std::uint64_t, Allocation>* allocation_at(std::uint64_t address) const;
  /// Behind the last byte of what holds the address; 0 when nothing does.
  std::uint64_t end_of_allocation_at(std::uint64_t address);
  [[nodiscard]] std::uint64_t end_of_mapping_at(std::uint64_t address) const;
  /// Throws CallError with CUDA_ERROR_INVALID_VALUE unless all of it is device memory.
  void require_range(std::uint64_t address, std::uint64_t bytes);
  Staging& staging(Handle context);
  /// Opens the host's cuBLAS at the first call, and makes one handle for each context.
  CublasHandle& cublas(Handle current);
  std::size_t parameter_bytes(Handle function);
  /// Valid for as long as the function's module.
  std::string_view function_name(Handle current, Handle function);
  PhysicalMemory& physical_memory_at(Handle handle);
  /// Throws CallError with CUDA_ERROR_INVALID_VALUE.
  vgpu_texture& texture_at(Handle current, Handle texture);
  /// An array that has such a part. Throws CallError.
  const Array& array_at(Handle array, const ArrayPart& part);
  CUresult finish_copy(const CUDA_MEMCPY3D& copy, CUstream queue);
  void clear_arrays(Handle context);
  void forget_unused(Handle handle);
  /// What belongs to no context, and so does not go with one.
  void release_physical_memory();

  std::unique_ptr<OutputCapture> output_;  // null: not captured
  std::uint64_t memory_limit_;
  std::uint64_t memory_used_ = 0;
  ClientAccount account_;
  bool shares_memory_;
  int passed_descriptor_ = -1;
  std::string cublas_path_;
  bool allow_guest_;
  Log* log_;
  std::unique_ptr<CublasLibrary> cublas_;
  std::unordered_map<Handle, CublasHandle> cublas_handles_;  // by context
  std::map<std::uint64_t, Allocation> allocations_;          // by address
  std::unordered_map<Handle, Staging> staging_;              // by context
  std::unordered_map<Handle, std::size_t> parameter_bytes_;  // by function
  HandleTable<PhysicalMemory> physical_memory_{7, "memory handle"};
  HandleTable<Array> arrays_{8, "array"};
  std::map<std::uint64_t, Mapping> mappings_;  // by address
  // By context and the driver's number, which may be the same in two contexts.
  std::map<std::pair<Handle, CUtexObject>, vgpu_texture> textures_;
};

}  // namespace vgpu::executor
