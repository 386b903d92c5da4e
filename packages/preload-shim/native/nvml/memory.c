#include "driver/context_stack.h"
#include "guest_api.h"
#include "nvml/nvml.h"

// The same numbers as cudaMemGetInfo. NVML must not make a context, which would take memory itself.
static nvmlReturn_t ask(nvmlDevice_t handle, size_t* free_bytes, size_t* total_bytes) {
  const struct vgpu_device* found = NULL;
  const nvmlReturn_t known = vgpu_nvml_find(handle, &found);
  if (known != NVML_SUCCESS) return known;
  const CUdevice number = vgpu_nvml_number(handle);
  CUdevice current = -1;
  if (vgpu_context_current_device(&current) == CUDA_SUCCESS && current == number)
    return vgpu_nvml_result(cuMemGetInfo_v2(free_bytes, total_bytes));
  const CUresult result = vgpuDeviceMemory(free_bytes, total_bytes, number);
  if (result != CUDA_ERROR_NOT_SUPPORTED) return vgpu_nvml_result(result);
  // A real driver tells only contexts. Without one, this process at least has taken nothing.
  *free_bytes = *total_bytes = found->total_memory;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t* memory) {
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  if (memory == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const nvmlReturn_t result = ask(device, &free_bytes, &total_bytes);
  if (result != NVML_SUCCESS) return result;
  *memory = (nvmlMemory_t){.total = total_bytes, .free = free_bytes, .used = total_bytes - free_bytes};
  return NVML_SUCCESS;
}

// `version` says which structure the caller has: its size, and its number in the upper byte.
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t* memory) {
  const unsigned int version = (unsigned int)sizeof(*memory) | 2U << 24;
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  if (memory == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  if (memory->version != version) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
  const nvmlReturn_t result = ask(device, &free_bytes, &total_bytes);
  if (result != NVML_SUCCESS) return result;
  *memory = (nvmlMemory_v2_t){
      .version = version, .total = total_bytes, .free = free_bytes, .used = total_bytes - free_bytes};
  return NVML_SUCCESS;
}
