#include "backends/software/device_description.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "backends/software/texture_limits.h"
#include "cuda_abi.h"
#include "support/machine.h"

namespace vgpu::executor {
namespace {

// No real device has this PCI domain ("vg"), so nothing on the client's machine is taken for ours.
constexpr int kPciDomain = 0x7667;
constexpr int kPciBus = 1;
constexpr int kPciDevice = 0;

/// The answers, by CUdevice_attribute. What is not named here is unknown.
class Attributes {
 public:
  explicit Attributes(std::span<std::int32_t> values) : values_(values) {
    std::ranges::fill(values_, VGPU_ATTRIBUTE_UNKNOWN);
  }
  void set(CUdevice_attribute attribute, std::int64_t value) {
    values_[attribute] = static_cast<std::int32_t>(std::clamp<std::int64_t>(value, INT32_MIN + 1, INT32_MAX));
  }
  void clear(CUdevice_attribute first, CUdevice_attribute last) {
    std::fill(values_.begin() + first, values_.begin() + last + 1, 0);
  }

 private:
  std::span<std::int32_t> values_;
};

void describe_limits(Attributes& attributes, const software::DeviceLimits& limits) {
  attributes.set(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, limits.compute_capability_major);
  attributes.set(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, limits.compute_capability_minor);
  attributes.set(CU_DEVICE_ATTRIBUTE_WARP_SIZE, limits.warp_size);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, limits.max_threads_per_block);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, limits.max_block.x);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, limits.max_block.y);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, limits.max_block.z);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, limits.max_grid.x);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, limits.max_grid.y);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, limits.max_grid.z);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, limits.max_shared_bytes_per_block);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
                 limits.max_shared_bytes_per_block_optin);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR,
                 limits.max_shared_bytes_per_multiprocessor);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, limits.max_threads_per_multiprocessor);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, limits.max_blocks_per_multiprocessor);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, limits.registers_per_block);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, limits.registers_per_block);
  attributes.set(CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, limits.constant_bytes);
}

/// Of what kernels read as their clock, which counts nanoseconds: programs divide by it.
constexpr std::int64_t kClockKilohertz = 1'000'000;

/// What this processor is, where Linux says so; 0 is CUDA's own way of saying that a figure is not known.
void describe_processor(Attributes& attributes, unsigned threads) {
  attributes.set(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, threads);
  attributes.set(CU_DEVICE_ATTRIBUTE_CLOCK_RATE, kClockKilohertz);
  attributes.set(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE,
                 std::max({0L, sysconf(_SC_LEVEL2_CACHE_SIZE), sysconf(_SC_LEVEL3_CACHE_SIZE)}));
  attributes.set(CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 0);
}

/// Answers that do not depend on the machine. Everything from layers to clusters that is 0 is not there.
void describe_features(Attributes& attributes, bool time_limit, bool shares_memory) {
  attributes.clear(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH,
                   CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LAYERED_LAYERS);
  attributes.clear(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LAYERED_WIDTH,
                   CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH_ALTERNATE);
  attributes.clear(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURECUBEMAP_WIDTH,
                   CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_MIPMAPPED_HEIGHT);
  attributes.clear(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_MIPMAPPED_WIDTH,
                   CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED);
  attributes.clear(CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, CU_DEVICE_ATTRIBUTE_HOST_NATIVE_ATOMIC_SUPPORTED);
  attributes.clear(CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS,
                   CU_DEVICE_ATTRIBUTE_COOPERATIVE_MULTI_DEVICE_LAUNCH);
  attributes.clear(CU_DEVICE_ATTRIBUTE_CAN_FLUSH_REMOTE_WRITES, CU_DEVICE_ATTRIBUTE_CAN_FLUSH_REMOTE_WRITES);
  attributes.clear(CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES,
                   CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_WIN32_KMT_HANDLE_SUPPORTED);
  attributes.clear(CU_DEVICE_ATTRIBUTE_GENERIC_COMPRESSION_SUPPORTED,
                   CU_DEVICE_ATTRIBUTE_ONLY_PARTIAL_HOST_NATIVE_ATOMIC_SUPPORTED);

  attributes.set(CU_DEVICE_ATTRIBUTE_MAX_PITCH, INT32_MAX);
  attributes.set(CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, kTextureLimits.alignment);
  attributes.set(CU_DEVICE_ATTRIBUTE_SURFACE_ALIGNMENT, software::DeviceMemory::kAlignment);
  attributes.set(CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT, kTextureLimits.pitch_alignment);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_WIDTH, kArrayLimits.width_1d);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_WIDTH, kArrayLimits.width_2d);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_HEIGHT, kArrayLimits.height_2d);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH, kArrayLimits.side_3d);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_HEIGHT, kArrayLimits.side_3d);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_DEPTH, kArrayLimits.side_3d);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH, kTextureLimits.linear_width);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_WIDTH, kTextureLimits.pitched_width);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_HEIGHT, kTextureLimits.pitched_height);
  attributes.set(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_LINEAR_PITCH, kTextureLimits.pitch);
  attributes.set(CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT, time_limit ? 1 : 0);
  // The client's memory is in another process: the device cannot be called integrated.
  attributes.set(CU_DEVICE_ATTRIBUTE_INTEGRATED, 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH, 1);
  attributes.set(CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1);
  attributes.set(CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, 1);
  // On one machine both processes map the same memory.
  attributes.set(CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, shares_memory ? 1 : 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, shares_memory ? 1 : 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS, shares_memory ? 1 : 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, 1);
  attributes.set(CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED, 1);
  attributes.set(CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED, 1);
  attributes.set(CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED, 1);
  attributes.set(CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO, 2);
  attributes.set(CU_DEVICE_ATTRIBUTE_MEM_SYNC_DOMAIN_COUNT, 1);
  // Work runs when it arrives: nothing overlaps.
  attributes.set(CU_DEVICE_ATTRIBUTE_GPU_OVERLAP, 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_COMPUTE_MODE, 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_ECC_ENABLED, 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_TCC_DRIVER, 0);
  attributes.set(CU_DEVICE_ATTRIBUTE_NUMA_ID, -1);
  attributes.set(CU_DEVICE_ATTRIBUTE_HOST_NUMA_ID, -1);
}

void copy_text(std::span<char> destination, std::string_view text) {
  const std::size_t length = std::min(text.size(), destination.size() - 1);
  std::memcpy(destination.data(), text.data(), length);
}

}  // namespace

vgpu_device describe_device(software::Gpu& gpu, std::uint64_t memory_bytes,
                            std::chrono::milliseconds kernel_time_limit, bool shares_memory) {
  vgpu_device device{};
  device.total_memory = memory_bytes;
  device.address_base = gpu.memory().base();
  device.address_bytes = gpu.memory().total_bytes();
  const std::string processor = processor_model();
  copy_text(device.name, processor.empty() ? "vgpu software GPU" : "vgpu software GPU (" + processor + ")");
  const auto uuid = device_uuid("software GPU 0");
  std::ranges::copy(uuid, device.uuid);
  snprintf(device.pci_bus_id, sizeof(device.pci_bus_id), "%04x:%02x:%02x.0", kPciDomain, kPciBus, kPciDevice);

  Attributes attributes(device.attributes);
  describe_features(attributes, kernel_time_limit.count() != 0, shares_memory);
  describe_limits(attributes, gpu.limits());
  describe_processor(attributes, gpu.threads());
  attributes.set(CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID, kPciDomain);
  attributes.set(CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, kPciBus);
  attributes.set(CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID, kPciDevice);
  return device;
}

}  // namespace vgpu::executor
