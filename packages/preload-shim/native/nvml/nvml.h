// NVML on top of the driver API. A device handle is the device's number, plus one.

#ifndef VGPU_NVML_NVML_H
#define VGPU_NVML_NVML_H

#include "cuda_abi.h"
#include "vgpu_protocol.h"

nvmlReturn_t vgpu_nvml_result(CUresult result);

nvmlReturn_t vgpu_nvml_find(nvmlDevice_t handle, const struct vgpu_device** device);

// Of a handle that vgpu_nvml_find knows.
static inline CUdevice vgpu_nvml_number(nvmlDevice_t handle) {
  return (CUdevice)((uintptr_t)handle - 1);
}

// In a forked child: see process.h.
void vgpu_nvml_events_forget(void);

#endif
