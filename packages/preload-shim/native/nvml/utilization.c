// How busy the device is. The executor counts in which part of the last second kernels ran.
#include "guest_api.h"
#include "nvml/nvml.h"
#include "nvml/processes.h"
#include "transport/system.h"

static nvmlReturn_t ask(nvmlDevice_t handle, unsigned int* percent) {
  const struct vgpu_device* found = NULL;
  const nvmlReturn_t known = vgpu_nvml_find(handle, &found);
  if (known != NVML_SUCCESS) return known;
  return vgpu_nvml_result(vgpuDeviceUtilization(percent, vgpu_nvml_number(handle)));
}

// Kernels are not interrupted to see whether they read or write memory, so both figures are the same.
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t* utilization) {
  unsigned int percent = 0;
  if (utilization == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const nvmlReturn_t result = ask(device, &percent);
  if (result == NVML_SUCCESS) *utilization = (nvmlUtilization_t){.gpu = percent, .memory = percent};
  return result;
}

// One sample for each process, which is always newer than what the caller has seen.
nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device, nvmlProcessUtilizationSample_t* utilization,
                                             unsigned int* processSamplesCount,
                                             unsigned long long lastSeenTimeStamp) {
  struct vgpu_process_list list;
  unsigned int whole = 0;
  (void)lastSeenTimeStamp;
  if (processSamplesCount == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  nvmlReturn_t result = ask(device, &whole);
  if (result == NVML_SUCCESS) result = vgpu_nvml_processes(device, &list);
  if (result != NVML_SUCCESS) return result;
  const unsigned int room = utilization == NULL ? 0 : *processSamplesCount;
  *processSamplesCount = list.count;
  if (list.count == 0) return NVML_ERROR_NOT_FOUND;
  if (room < list.count) return NVML_ERROR_INSUFFICIENT_SIZE;
  const unsigned long long now = (unsigned long long)vgpu_wall_clock_microseconds();
  for (unsigned int i = 0; i < list.count; ++i) {
    const struct vgpu_device_process* process = &list.processes[i];
    utilization[i] = (nvmlProcessUtilizationSample_t){.pid = process->process_id,
                                                      .timeStamp = now,
                                                      .smUtil = process->utilization,
                                                      .memUtil = process->utilization};
  }
  return NVML_SUCCESS;
}
