// The device's memory for what graphs allocate. It stays until it is trimmed, and goes from one allocation to
// the next meanwhile. Not synchronised.

#ifndef VGPU_DRIVER_GRAPH_PAGES_H
#define VGPU_DRIVER_GRAPH_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "cuda_abi.h"

enum { VGPU_PAGE_BYTES = 2 << 20 };

struct vgpu_pages {
  struct vgpu_pages* next;
  CUmemGenericAllocationHandle handle;
  size_t bytes;
  bool used;
  CUdeviceptr address;         // where it is mapped
  struct vgpu_pages** holder;  // who has it mapped; becomes NULL there when it is taken away. NULL: nobody
  CUcontext context;           // that of the last launch which used it
  CUdevice device;
};

// Maps memory that nobody uses at the reserved address, unless *holder is some already. `bytes` are whole
// pages.
CUresult vgpu_pages_provide(struct vgpu_pages** holder, CUdeviceptr address, size_t bytes);
// Until nothing runs that may use it.
void vgpu_pages_wait(const struct vgpu_pages* pages);
// Waits for what was launched, since that may still use it.
CUresult vgpu_pages_unmap(struct vgpu_pages* pages);
// Gives back what nobody uses.
CUresult vgpu_pages_trim(void);

// After each change of `used`.
void vgpu_pages_count(void);
CUresult vgpu_pages_attribute(CUgraphMem_attribute attribute, cuuint64_t* value);
void vgpu_pages_lower_mark(CUgraphMem_attribute attribute);

// In a forked child: see process.h.
void vgpu_pages_forget(void);

#endif
