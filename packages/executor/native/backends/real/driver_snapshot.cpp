#include "backends/real/driver_snapshot.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <span>
#include <string>

#include "backends/real/address_window.h"

namespace vgpu::executor {
namespace {

void require(CUresult result, const char* call) {
  if (result == CUDA_SUCCESS) return;
  throw BackendUnavailable(std::string("the driver's ") + call + " gives " + std::to_string(result));
}

/// What the device can do and the guest library cannot ask of it, or what is true only in the worker's
/// process.
constexpr std::array kNotOffered = {
    CU_DEVICE_ATTRIBUTE_INTEGRATED,
    CU_DEVICE_ATTRIBUTE_COOPERATIVE_MULTI_DEVICE_LAUNCH,
    CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS,
    CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES,
    CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM,
    CU_DEVICE_ATTRIBUTE_DIRECT_MANAGED_MEM_ACCESS_FROM_HOST,
    CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_MEM_OPS_V1,
    CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS_V1,
    CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR_V1,
    CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS,
    CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR,
    CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_FABRIC_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_MULTICAST_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_TENSOR_MAP_ACCESS_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH,
    CU_DEVICE_ATTRIBUTE_SPARSE_CUDA_ARRAY_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_DEFERRED_MAPPING_CUDA_ARRAY_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_HOST_ALLOC_DMA_BUF_SUPPORTED,
    CU_DEVICE_ATTRIBUTE_MEM_DECOMPRESS_ALGORITHM_MASK,
};

void describe_attributes(const DriverFunctions& driver, CUdevice device, std::span<std::int32_t> values) {
  std::ranges::fill(values, VGPU_ATTRIBUTE_UNKNOWN);
  for (std::size_t i = 1; i < values.size(); ++i) {
    int value = 0;
    // An attribute that this driver does not know stays unknown.
    if (driver.cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(i), device) == CUDA_SUCCESS) {
      values[i] = value;
    }
  }
  for (const CUdevice_attribute attribute : kNotOffered) values[attribute] = 0;
  // Both are mapped host memory here: see memory.cpp.
  const std::int32_t mappable = values[CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY];
  values[CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY] = mappable;
  values[CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS] = mappable;
}

void describe_release(std::span<char> release) {
  std::ifstream file("/sys/module/nvidia/version");
  std::string text;
  if (file >> text) std::snprintf(release.data(), release.size(), "%s", text.c_str());
}

}  // namespace

DriverSnapshot describe_driver(const DriverFunctions& driver) {
  DriverSnapshot snapshot{};
  int count = 0;
  CUdevice device = 0;
  require(driver.cuInit(0), "cuInit");
  require(driver.cuDeviceGetCount(&count), "cuDeviceGetCount");
  if (count == 0) throw BackendUnavailable("the driver has no device");
  require(driver.cuDeviceGet(&device, 0), "cuDeviceGet");
  require(driver.cuDriverGetVersion(&snapshot.driver_version), "cuDriverGetVersion");
  describe_release(snapshot.release);

  vgpu_device& found = snapshot.device;
  size_t bytes = 0;
  CUuuid uuid{};
  require(driver.cuDeviceTotalMem_v2(&bytes, device), "cuDeviceTotalMem");
  require(driver.cuDeviceGetName(found.name, sizeof(found.name), device), "cuDeviceGetName");
  require(driver.cuDeviceGetUuid_v2(&uuid, device), "cuDeviceGetUuid");
  require(driver.cuDeviceGetPCIBusId(found.pci_bus_id, sizeof(found.pci_bus_id), device),
          "cuDeviceGetPCIBusId");
  found.total_memory = bytes;
  found.address_base = kWindowBegin;
  found.address_bytes = kWindowEnd - kWindowBegin;
  std::copy(std::begin(uuid.bytes), std::end(uuid.bytes), reinterpret_cast<char*>(found.uuid));
  int pageable = 0;
  snapshot.reaches_host_memory =
      driver.cuDeviceGetAttribute(&pageable, CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS, device) ==
          CUDA_SUCCESS &&
      pageable != 0;
  describe_attributes(driver, device, found.attributes);
  return snapshot;
}

}  // namespace vgpu::executor
