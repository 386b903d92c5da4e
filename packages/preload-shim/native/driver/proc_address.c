// cuGetProcAddress: how programs that do not link the driver library find its functions.
#include <stdbool.h>
#include <string.h>

#include "guest_api.h"
#include "log.h"

// What this library's own headers are of. A newer caller may expect functions of another shape.
enum { NEWEST_VERSION = 13000 };

static const struct vgpu_directory_entry* find(const char* symbol, int version,
                                               CUdriverProcAddressQueryResult* status) {
  const struct vgpu_directory_entry* best = NULL;
  *status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  for (size_t i = 0; i < vgpu_directory_count; ++i) {
    const struct vgpu_directory_entry* entry = &vgpu_directory[i];
    if (strcmp(entry->name, symbol) != 0) continue;
    if (entry->since <= version) {
      best = entry;  // sorted by version: the last one that fits is the newest
      *status = CU_GET_PROC_ADDRESS_SUCCESS;
    } else if (best == NULL) {
      *status = CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
    }
  }
  return best;
}

static CUresult look_up(const char* symbol, void** pfn, int version, cuuint64_t flags,
                        CUdriverProcAddressQueryResult* status) {
  if (symbol == NULL || pfn == NULL) return CUDA_ERROR_INVALID_VALUE;
  if (flags > CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM) return CUDA_ERROR_INVALID_VALUE;
  *pfn = NULL;
  // A minor version above ours is as compatible as ours: functions keep their shape within a major version.
  if (version >= NEWEST_VERSION + 1000) return CUDA_ERROR_INVALID_VALUE;
  const struct vgpu_directory_entry* entry = find(symbol, version, status);
  if (entry != NULL) {
    const bool per_thread =
        flags == CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM && entry->per_thread != NULL;
    *pfn = (void*)(uintptr_t)(per_thread ? entry->per_thread : entry->function);
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
