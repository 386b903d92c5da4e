#include "driver/host_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "driver/context_stack.h"
#include "driver/shared_memory.h"
#include "guest_api.h"
#include "log.h"
#include "transport/lock.h"
#include "transport/session.h"

// CU_MEMHOSTALLOC_PORTABLE | DEVICEMAP | WRITECOMBINED; CU_MEMHOSTREGISTER_PORTABLE | DEVICEMAP | IOMEMORY |
// READ_ONLY.
enum { ALLOCATION_FLAGS = 7, REGISTRATION_FLAGS = 15, DEVICE_MAP = 2 };

static struct vgpu_lock lock;
// Sorted by address; ranges do not overlap.
static struct vgpu_host_range* ranges;
static size_t range_count;
static size_t range_capacity;

// The first range that ends behind the address.
static size_t first_ending_after(uintptr_t address) {
  size_t low = 0;
  size_t high = range_count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (ranges[middle].start + ranges[middle].bytes <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static CUresult insert_locked(const struct vgpu_host_range* range) {
  const size_t place = first_ending_after(range->start);
  if (place < range_count && ranges[place].start < range->start + range->bytes) {
    return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
  }
  if (range_count == range_capacity) {
    const size_t capacity = range_capacity == 0 ? 16 : 2 * range_capacity;
    struct vgpu_host_range* larger = realloc(ranges, capacity * sizeof(*ranges));
    if (larger == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    ranges = larger;
    range_capacity = capacity;
  }
  memmove(ranges + place + 1, ranges + place, (range_count - place) * sizeof(*ranges));
  ranges[place] = *range;
  ++range_count;
  return CUDA_SUCCESS;
}

static CUresult insert(struct vgpu_host_range range) {
  vgpu_lock(&lock);
  const CUresult result = insert_locked(&range);
  vgpu_unlock(&lock);
  return result;
}

// Takes out the range that starts at the address, if it is of the kind asked for.
static bool take(const void* address, bool registered, struct vgpu_host_range* range) {
  bool found = false;
  vgpu_lock(&lock);
  const size_t place = first_ending_after((uintptr_t)address);
  if (place < range_count && ranges[place].start == (uintptr_t)address &&
      ranges[place].registered == registered) {
    *range = ranges[place];
    --range_count;
    memmove(ranges + place, ranges + place + 1, (range_count - place) * sizeof(*ranges));
    found = true;
  }
  vgpu_unlock(&lock);
  return found;
}

bool vgpu_host_memory_find(const void* address, struct vgpu_host_range* range) {
  vgpu_lock(&lock);
  const size_t place = first_ending_after((uintptr_t)address);
  const bool found = place < range_count && ranges[place].start <= (uintptr_t)address;
  if (found) *range = ranges[place];
  vgpu_unlock(&lock);
  return found;
}

void vgpu_host_memory_forget(void) {
  // A thread of the parent's may have been changing the list, which is then not to be trusted.
  if (vgpu_lock_is_held(&lock)) {
    ranges = NULL;
    range_count = range_capacity = 0;
  }
  vgpu_lock_forget(&lock);
}

static CUresult current(struct vgpu_host_range* range) {
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  range->context = vgpu_context_current();
  return vgpu_context_current_device(&range->device);
}

// Memory for range->bytes, to range->start.
static CUresult obtain(struct vgpu_host_range* range) {
  CUdeviceptr address = 0;
  if (range->mapped) {
    const CUresult result = vgpu_shared_memory_allocate(&address, range->bytes, false);
    range->start = (uintptr_t)address;
    return result;
  }
  const int saved_errno = errno;
  // Whole pages: programs rely on the alignment, and freed memory goes back to the system.
  void* memory = mmap(NULL, range->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  errno = saved_errno;
  range->start = (uintptr_t)memory;
  return memory == MAP_FAILED ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}

static CUresult give_back(const struct vgpu_host_range* range) {
  if (range->mapped) return cuMemFree_v2(range->start);
  munmap((void*)range->start, range->bytes);
  return CUDA_SUCCESS;
}

CUresult cuMemHostAlloc(void** pp, size_t bytesize, unsigned int Flags) {
  struct vgpu_host_range range = {.bytes = bytesize, .flags = Flags};
  if (pp == NULL || bytesize == 0 || (Flags & ~(unsigned int)ALLOCATION_FLAGS) != 0)
    return CUDA_ERROR_INVALID_VALUE;
  CUresult result = current(&range);
  if (result != CUDA_SUCCESS) return result;
  range.mapped = (Flags & DEVICE_MAP) != 0;
  result = obtain(&range);
  if (result != CUDA_SUCCESS) return result;
  result = insert(range);
  if (result == CUDA_SUCCESS) {
    *pp = (void*)range.start;
  } else {
    give_back(&range);
  }
  return result;
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* pdptr, void* p, unsigned int Flags) {
  struct vgpu_host_range range;
  if (pdptr == NULL || Flags != 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (!vgpu_host_memory_find(p, &range)) return CUDA_ERROR_INVALID_VALUE;
  if (!range.mapped) {
    // The program's own memory cannot change its place, and what was allocated without the flag is private.
    vgpu_log("only host memory allocated with CU_MEMHOSTALLOC_DEVICEMAP is mapped into the device");
    return range.registered ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE;
  }
  *pdptr = (CUdeviceptr)(uintptr_t)p;
  return CUDA_SUCCESS;
}

CUresult cuMemAllocHost_v2(void** pp, size_t bytesize) {
  return cuMemHostAlloc(pp, bytesize, 0);
}

CUresult cuMemFreeHost(void* p) {
  struct vgpu_host_range range;
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (p == NULL || !take(p, false, &range)) return CUDA_ERROR_INVALID_VALUE;
  return give_back(&range);
}

CUresult cuMemHostGetFlags(unsigned int* pFlags, void* p) {
  struct vgpu_host_range range;
  if (pFlags == NULL) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (!vgpu_host_memory_find(p, &range)) return CUDA_ERROR_INVALID_VALUE;
  *pFlags = range.flags;
  return CUDA_SUCCESS;
}

CUresult cuMemHostRegister_v2(void* p, size_t bytesize, unsigned int Flags) {
  struct vgpu_host_range range = {
      .start = (uintptr_t)p,
      .bytes = bytesize,
      .flags = Flags,
      .registered = true,
  };
  if (p == NULL || bytesize == 0 || bytesize > UINTPTR_MAX - range.start) return CUDA_ERROR_INVALID_VALUE;
  if ((Flags & ~(unsigned int)REGISTRATION_FLAGS) != 0) return CUDA_ERROR_INVALID_VALUE;
  const CUresult result = current(&range);
  return result == CUDA_SUCCESS ? insert(range) : result;
}

CUresult cuMemHostUnregister(void* p) {
  struct vgpu_host_range range;
  const CUresult result = vgpu_session_check();
  if (result != CUDA_SUCCESS) return result;
  if (p == NULL) return CUDA_ERROR_INVALID_VALUE;
  return take(p, true, &range) ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
}
