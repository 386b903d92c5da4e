// cuGetProcAddress: how programs that do not link the driver library find its functions.
#include <stdbool.h>
#include <string.h>

#include "guest_api.h"
#include "log.h"

// What this library's own headers are of. A newer caller may expect functions of another shape.
enum { NEWEST_VERSION = 13000 };

// To *found the newest form that the version has; false when there is none.
static bool find(const char* symbol, int version, struct vgpu_directory_entry* found,
                 CUdriverProcAddressQueryResult* status) {
  struct vgpu_directory_entry entry;
  *status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  for (size_t i = 0; vgpu_directory_at(i, &entry); ++i) {
    if (strcmp(entry.name, symbol) != 0) continue;
    if (entry.since <= version) {
      *found = entry;  // sorted by version: the last one that fits is the newest
      *status = CU_GET_PROC_ADDRESS_SUCCESS;
    } else if (*status != CU_GET_PROC_ADDRESS_SUCCESS) {
      *status = CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
    }
  }
  return *status == CU_GET_PROC_ADDRESS_SUCCESS;
}

static CUresult look_up(const char* symbol, void** pfn, int version, cuuint64_t flags,
                        CUdriverProcAddressQueryResult* status) {
  if (symbol == NULL || pfn == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (flags > CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM) return CUDA_ERROR_INVALID_VALUE;
  *pfn = NULL;
  // A minor version above ours is as compatible as ours: functions keep their shape within a major version.
  if (version >= NEWEST_VERSION + 1000) return CUDA_ERROR_INVALID_VALUE;
  struct vgpu_directory_entry entry = {.name = NULL};
  if (find(symbol, version, &entry, status)) {
    const bool per_thread =
        flags == CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM && entry.per_thread != NULL;
    *pfn = (void*)(uintptr_t)(per_thread ? entry.per_thread : entry.function);
  } else if (strcmp(symbol, "cuGetExportTable") == 0) {
    // The static runtime looks up everything there is, and stops for want of this one: NVIDIA's private
    // interface between its runtime and its driver.
    vgpu_log(
        "the program contains NVIDIA's runtime library, which cannot work here: build it with nvcc -cudart "
        "shared");
  }
  return CUDA_SUCCESS;
}

CUresult cuGetProcAddress_v2(const char* symbol, void** pfn, int cudaVersion, cuuint64_t flags,
                             CUdriverProcAddressQueryResult* symbolStatus) {
  CUdriverProcAddressQueryResult status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  const CUresult result = look_up(symbol, pfn, cudaVersion, flags, &status);
  if (result == CUDA_SUCCESS && symbolStatus != NULL) *symbolStatus = status;
  return result;
}

CUresult cuGetProcAddress(const char* symbol, void** pfn, int cudaVersion, cuuint64_t flags) {
  CUdriverProcAddressQueryResult status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  const CUresult result = look_up(symbol, pfn, cudaVersion, flags, &status);
  if (result != CUDA_SUCCESS) return result;
  // The older form has no other way to say so.
  return status == CU_GET_PROC_ADDRESS_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
