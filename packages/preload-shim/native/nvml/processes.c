// Which processes use the device: the executor's clients on its machine. All compute; none draws.
#include "nvml/processes.h"

#include "guest_api.h"
#include "nvml/nvml.h"

nvmlReturn_t vgpu_nvml_processes(nvmlDevice_t device, struct vgpu_process_list* list) {
  const struct vgpu_device* found = NULL;
  const nvmlReturn_t known = vgpu_nvml_find(device, &found);
  if (known != NVML_SUCCESS) return known;
  const CUresult result =
      vgpuDeviceProcesses(list->processes, sizeof(list->processes), vgpu_nvml_number(device));
  list->count = 0;
  while (list->count < VGPU_MOST_PROCESSES && list->processes[list->count].process_id != 0) ++list->count;
  return vgpu_nvml_result(result);
}

// NVML's convention: `count` has the room and becomes the number, also when the room does not suffice.
static nvmlReturn_t fits(unsigned int* count, const void* room, unsigned int number) {
  const unsigned int given = *count;
  *count = number;
  if (given < number) return NVML_ERROR_INSUFFICIENT_SIZE;
  return number != 0 && room == NULL ? NVML_ERROR_INVALID_ARGUMENT : NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t device, unsigned int* infoCount,
                                                  nvmlProcessInfo_v1_t* infos) {
  struct vgpu_process_list list;
  if (infoCount == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  nvmlReturn_t result = vgpu_nvml_processes(device, &list);
  if (result == NVML_SUCCESS) result = fits(infoCount, infos, list.count);
  for (unsigned int i = 0; result == NVML_SUCCESS && i < list.count; ++i) {
    infos[i] = (nvmlProcessInfo_v1_t){.pid = list.processes[i].process_id,
                                      .usedGpuMemory = list.processes[i].memory_bytes};
  }
  return result;
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int* infoCount,
                                                     nvmlProcessInfo_t* infos) {
  struct vgpu_process_list list;
  if (infoCount == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  nvmlReturn_t result = vgpu_nvml_processes(device, &list);
  if (result == NVML_SUCCESS) result = fits(infoCount, infos, list.count);
  for (unsigned int i = 0; result == NVML_SUCCESS && i < list.count; ++i) {
    // No device of ours is divided: the instances are "none".
    infos[i] = (nvmlProcessInfo_t){.pid = list.processes[i].process_id,
                                   .usedGpuMemory = list.processes[i].memory_bytes,
                                   .gpuInstanceId = UINT32_MAX,
                                   .computeInstanceId = UINT32_MAX};
  }
  return result;
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t device, unsigned int* infoCount,
                                                     nvmlProcessInfo_t* infos) {
  return nvmlDeviceGetComputeRunningProcesses_v3(device, infoCount, infos);
}

static nvmlReturn_t none(nvmlDevice_t device, unsigned int* count) {
  const struct vgpu_device* found = NULL;
  if (count == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const nvmlReturn_t result = vgpu_nvml_find(device, &found);
  if (result == NVML_SUCCESS) *count = 0;
  return result;
}

nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses(nvmlDevice_t device, unsigned int* infoCount,
                                                   nvmlProcessInfo_v1_t* infos) {
  (void)infos;
  return none(device, infoCount);
}

nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v2(nvmlDevice_t device, unsigned int* infoCount,
                                                      nvmlProcessInfo_t* infos) {
  (void)infos;
  return none(device, infoCount);
}

nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device, unsigned int* infoCount,
                                                      nvmlProcessInfo_t* infos) {
  (void)infos;
  return none(device, infoCount);
}
