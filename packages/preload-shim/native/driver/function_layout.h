// Where a kernel's parameters lie, asked for once per function.

#ifndef VGPU_DRIVER_FUNCTION_LAYOUT_H
#define VGPU_DRIVER_FUNCTION_LAYOUT_H

#include "cuda_abi.h"

struct vgpu_parameter {
  uint32_t offset;
  uint32_t bytes;
};

struct vgpu_function_layout {
  CUfunction function;
  uint32_t parameter_count;
  uint32_t parameter_bytes;  // up to the end of the last one
  int threads_per_block;     // what the kernel's registers and bounds allow
  int static_shared_bytes;
  // The largest request beyond the default that the function's attribute is known to permit.
  _Atomic unsigned int dynamic_shared_permitted;
  struct vgpu_parameter parameters[];
};

// Asks the executor the first time, which makes it decode the kernel: its errors come back here. The layout
// stays valid until the process ends or forks.
CUresult vgpu_function_layout(CUfunction function, struct vgpu_function_layout** layout);

// In a forked child: see process.h.
void vgpu_function_layouts_forget(void);

#endif
