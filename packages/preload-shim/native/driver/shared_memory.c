#include "driver/shared_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "driver/context_stack.h"
#include "driver/graph/capture.h"
#include "driver/graph/memory.h"
#include "guest_api.h"
#include "log.h"
#include "transport/lock.h"
#include "transport/session.h"
#include "transport/system.h"

// Since Linux 4.17; older kernels take the address for a wish, and we look where it came to be.
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

struct range {
  struct range* next;
  CUdeviceptr address;
  size_t bytes;   // as asked for
  size_t mapped;  // whole pages
  bool managed;
};

// Held from the executor's answer to the end of the mapping, so that files and addresses are not mixed up.
static struct vgpu_lock lock;
static struct range* ranges;

bool vgpu_is_managed(CUdeviceptr address, size_t bytes) {
  bool found = false;
  vgpu_lock(&lock);
  for (const struct range* range = ranges; range != NULL && !found; range = range->next) {
    const CUdeviceptr offset = address - range->address;
    found = range->managed && offset < range->bytes && bytes <= range->bytes - offset;
  }
  vgpu_unlock(&lock);
  return found;
}

void vgpu_shared_memory_forget(void) {
  ranges = NULL;  // the mappings were not inherited; a few bytes are lost
  vgpu_lock_forget(&lock);
}

// Takes the ranges out that share an address with [address, address + bytes), and unmaps them.
static void drop(CUdeviceptr address, size_t bytes) {
  struct range** link = &ranges;
  while (*link != NULL) {
    struct range* range = *link;
    if (range->address < address + bytes && address < range->address + range->mapped) {
      *link = range->next;
      munmap((void*)(uintptr_t)range->address, range->mapped);
      free(range);
    } else {
      link = &range->next;
    }
  }
}

void vgpu_shared_memory_unmap(void) {
  drop(0, SIZE_MAX);
}

static CUresult map(int file, const struct range* range) {
  void* wanted = (void*)(uintptr_t)range->address;
  void* mapped =
      mmap(wanted, range->mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0);
  if (mapped == wanted) {
    // A child has a device of its own, and must not write into its parent's.
    if (vgpu_advise(mapped, range->mapped, MADV_DONTFORK) == 0) return CUDA_SUCCESS;
  }
  if (mapped != MAP_FAILED) munmap(mapped, range->mapped);
  vgpu_log("shared memory cannot be mapped at the device's address: the program uses it otherwise");
  return CUDA_ERROR_OUT_OF_MEMORY;
}

// Maps the file that came with the executor's answer.
static CUresult map_passed(struct range* range) {
  const int file = vgpu_session_take_passed();
  if (file < 0) {
    vgpu_log("the executor sent no file with the memory");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  // What a context left behind that was destroyed: the executor has given the address out again.
  drop(range->address, range->mapped);
  const CUresult result = map(file, range);
  vgpu_close(file);
  if (result == CUDA_SUCCESS) {
    range->next = ranges;
    ranges = range;
  }
  return result;
}

CUresult vgpu_shared_memory_allocate(CUdeviceptr* address, size_t bytes, bool managed) {
  struct range* range = calloc(1, sizeof(*range));
  if (range == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
  range->bytes = bytes;
  range->managed = managed;
  const int saved_errno = errno;
  vgpu_lock(&lock);
  CUresult result = vgpuMemAllocShared(&range->address, &range->mapped, bytes);
  if (result == CUDA_SUCCESS) {
    result = map_passed(range);
    if (result != CUDA_SUCCESS) vgpuMemFree(range->address);
  }
  if (result == CUDA_SUCCESS) *address = range->address;
  vgpu_unlock(&lock);
  errno = saved_errno;
  if (result != CUDA_SUCCESS) free(range);
  return result;
}

// Asked again, a managed variable has a file again: mapping it once more changes nothing.
static CUresult map_variable(const struct range* found) {
  struct range* range = malloc(sizeof(*range));
  if (range == NULL) {
    const int file = vgpu_session_take_passed();
    if (file >= 0) vgpu_close(file);
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  *range = *found;
  const CUresult result = map_passed(range);
  if (result != CUDA_SUCCESS) free(range);
  return result;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr* dptr, size_t* bytes, CUmodule hmod, const char* name) {
  struct range variable = {.managed = true};
  const int saved_errno = errno;
  vgpu_lock(&lock);
  CUresult result = vgpuModuleGetGlobal(&variable.address, &variable.bytes, &variable.mapped, hmod, name);
  if (result == CUDA_SUCCESS && variable.mapped != 0) result = map_variable(&variable);
  vgpu_unlock(&lock);
  errno = saved_errno;
  if (result != CUDA_SUCCESS) return result;
  if (dptr != NULL) *dptr = variable.address;
  if (bytes != NULL) *bytes = variable.bytes;
  return CUDA_SUCCESS;
}

CUresult cuMemAllocManaged(CUdeviceptr* dptr, size_t bytesize, unsigned int flags) {
  if (dptr == NULL || bytesize == 0) return CUDA_ERROR_INVALID_VALUE;
  if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST) return CUDA_ERROR_INVALID_VALUE;
  return vgpu_shared_memory_allocate(dptr, bytesize, true);
}

CUresult cuMemFree_v2(CUdeviceptr dptr) {
  const int saved_errno = errno;
  CUresult freed = CUDA_SUCCESS;
  if (vgpu_graph_memory_free(dptr, true, &freed)) return freed;
  vgpu_lock(&lock);
  const struct range* range = ranges;
  while (range != NULL && range->address != dptr) range = range->next;
  if (range == NULL) {
    vgpu_unlock(&lock);
    return vgpuMemFree(dptr);
  }
  const CUresult result = vgpuMemFree(dptr);
  if (result == CUDA_SUCCESS) drop(dptr, 1);
  vgpu_unlock(&lock);
  errno = saved_errno;
  return result;
}

static CUresult check_hint(CUdeviceptr address, size_t bytes, const CUmemLocation* location) {
  const struct vgpu_device* device = NULL;
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (bytes == 0 || !vgpu_is_managed(address, bytes)) return CUDA_ERROR_INVALID_VALUE;
  switch (location->type) {
    case CU_MEM_LOCATION_TYPE_DEVICE:
      return vgpu_session_device(location->id, &device);
    case CU_MEM_LOCATION_TYPE_HOST:
    case CU_MEM_LOCATION_TYPE_HOST_NUMA:
    case CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT:
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult cuMemPrefetchAsync_v2(CUdeviceptr devPtr, size_t count, CUmemLocation location, unsigned int flags,
                               CUstream hStream) {
  unsigned int unused;
  if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = vgpu_capture_forbid(hStream);
  if (result == CUDA_SUCCESS) result = check_hint(devPtr, count, &location);
  // The memory is where both can reach it already.
  return result == CUDA_SUCCESS ? cuStreamGetFlags(hStream, &unused) : result;
}

CUresult cuMemAdvise_v2(CUdeviceptr devPtr, size_t count, CUmem_advise advice, CUmemLocation location) {
  // For the two about reading mostly the location means nothing.
  const bool placeless = advice == CU_MEM_ADVISE_SET_READ_MOSTLY ||
                         advice == CU_MEM_ADVISE_UNSET_READ_MOSTLY ||
                         advice == CU_MEM_ADVISE_UNSET_PREFERRED_LOCATION;
  const CUmemLocation host = {.type = CU_MEM_LOCATION_TYPE_HOST};
  if ((int)advice < CU_MEM_ADVISE_SET_READ_MOSTLY || advice > CU_MEM_ADVISE_UNSET_ACCESSED_BY)
    return CUDA_ERROR_INVALID_VALUE;
  return check_hint(devPtr, count, placeless ? &host : &location);
}
