// The executor's clients on its machine.

#ifndef VGPU_NVML_PROCESSES_H
#define VGPU_NVML_PROCESSES_H

#include "cuda_abi.h"
#include "vgpu_protocol.h"

enum { VGPU_MOST_PROCESSES = 256 };

struct vgpu_process_list {
  struct vgpu_device_process processes[VGPU_MOST_PROCESSES];
  unsigned int count;
};

nvmlReturn_t vgpu_nvml_processes(nvmlDevice_t device, struct vgpu_process_list* list);

#endif
