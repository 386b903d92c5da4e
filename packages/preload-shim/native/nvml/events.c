// Events, of which there are Xid errors. The executor keeps the last ones; a set remembers up to where its
// owner has seen them.
#include <stdbool.h>
#include <stddef.h>

#include "guest_api.h"
#include "nvml/nvml.h"
#include "transport/lock.h"
#include "transport/session.h"
#include "transport/system.h"

enum { MOST_SETS = 64, POLL_MILLISECONDS = 50 };
enum { XID_CRITICAL_ERROR = 0x8 };  // nvmlEventTypeXidCriticalError

struct event_set {
  bool used;
  bool registered[VGPU_MAXIMUM_DEVICES];
  unsigned long long seen[VGPU_MAXIMUM_DEVICES];
};

// A set's handle is its place here, plus one.
static struct event_set sets[MOST_SETS];
static struct vgpu_lock lock;

void vgpu_nvml_events_forget(void) {
  vgpu_lock_forget(&lock);
}

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t* set) {
  if (set == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return vgpu_nvml_result(result);
  vgpu_lock(&lock);
  size_t place = 0;
  while (place < MOST_SETS && sets[place].used) ++place;
  if (place < MOST_SETS) sets[place] = (struct event_set){.used = true};
  vgpu_unlock(&lock);
  if (place == MOST_SETS) return NVML_ERROR_INSUFFICIENT_RESOURCES;
  *set = (nvmlEventSet_t)(place + 1);
  return NVML_SUCCESS;
}

// With the lock held; NULL for a handle that is none.
static struct event_set* find(nvmlEventSet_t handle) {
  const uintptr_t place = (uintptr_t)handle - 1;
  return handle != NULL && place < MOST_SETS && sets[place].used ? &sets[place] : NULL;
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) {
  vgpu_lock(&lock);
  struct event_set* found = find(set);
  if (found != NULL) found->used = false;
  vgpu_unlock(&lock);
  return found != NULL ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

// How many the device has had. NVML_ERROR_NOT_SUPPORTED where the executor does not know.
static nvmlReturn_t count_events(nvmlDevice_t device, unsigned long long* count) {
  unsigned int xid = 0;
  const struct vgpu_device* found = NULL;
  const nvmlReturn_t known = vgpu_nvml_find(device, &found);
  if (known != NVML_SUCCESS) return known;
  return vgpu_nvml_result(vgpuDeviceXid(count, &xid, UINT64_MAX, vgpu_nvml_number(device)));
}

nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t device, unsigned long long* eventTypes) {
  unsigned long long count = 0;
  if (eventTypes == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const nvmlReturn_t result = count_events(device, &count);
  if (result != NVML_SUCCESS && result != NVML_ERROR_NOT_SUPPORTED) return result;
  *eventTypes = result == NVML_SUCCESS ? XID_CRITICAL_ERROR : 0;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long eventTypes,
                                      nvmlEventSet_t set) {
  unsigned long long count = 0;
  const CUdevice number = vgpu_nvml_number(device);
  const unsigned long long unknown = eventTypes & ~(unsigned long long)XID_CRITICAL_ERROR;
  const nvmlReturn_t result = count_events(device, &count);
  if (result != NVML_SUCCESS) return result;
  // What nobody reports cannot be waited for.
  if (unknown != 0) return NVML_ERROR_NOT_SUPPORTED;
  vgpu_lock(&lock);
  struct event_set* to = find(set);
  if (to != NULL && eventTypes != 0 && !to->registered[number]) {
    to->registered[number] = true;
    to->seen[number] = count;
  }
  vgpu_unlock(&lock);
  return to != NULL ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

// What is there now: NVML_ERROR_TIMEOUT for nothing.
static nvmlReturn_t take(nvmlEventSet_t set, nvmlEventData_t* data) {
  nvmlReturn_t result = NVML_ERROR_TIMEOUT;
  // Held during the exchange, so that two threads with one set do not get the same event.
  vgpu_lock(&lock);
  struct event_set* from = find(set);
  if (from == NULL) result = NVML_ERROR_INVALID_ARGUMENT;
  for (uint32_t i = 0; result == NVML_ERROR_TIMEOUT && i < VGPU_MAXIMUM_DEVICES; ++i) {
    unsigned int xid = 0;
    if (!from->registered[i]) continue;
    const CUresult asked = vgpuDeviceXid(&from->seen[i], &xid, from->seen[i], (CUdevice)i);
    if (asked != CUDA_SUCCESS) result = vgpu_nvml_result(asked);
    if (xid == 0) continue;
    // No device of ours is divided.
    *data = (nvmlEventData_t){.device = (nvmlDevice_t)((uintptr_t)i + 1),
                              .eventType = XID_CRITICAL_ERROR,
                              .eventData = xid,
                              .gpuInstanceId = UINT32_MAX,
                              .computeInstanceId = UINT32_MAX};
    result = NVML_SUCCESS;
  }
  vgpu_unlock(&lock);
  return result;
}

nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t* data, unsigned int timeoutms) {
  if (data == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const int64_t end = vgpu_now() + (int64_t)timeoutms;
  for (;;) {
    const nvmlReturn_t result = take(set, data);
    const int64_t left = end - vgpu_now();
    if (result != NVML_ERROR_TIMEOUT || left <= 0) return result;
    (void)vgpu_poll(NULL, 0, left < POLL_MILLISECONDS ? left : POLL_MILLISECONDS);
  }
}

nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_v1_t* data, unsigned int timeoutms) {
  nvmlEventData_t event = {0};
  if (data == NULL) return NVML_ERROR_INVALID_ARGUMENT;
  const nvmlReturn_t result = nvmlEventSetWait_v2(set, &event, timeoutms);
  if (result == NVML_SUCCESS) {
    *data = (nvmlEventData_v1_t){
        .device = event.device, .eventType = event.eventType, .eventData = event.eventData};
  }
  return result;
}
