// Libraries and their kernels, which belong to no context.

#ifndef VGPU_DRIVER_LIBRARY_H
#define VGPU_DRIVER_LIBRARY_H

#include "cuda_abi.h"

// Programs may cast a kernel of a library to a function: that becomes its function in the current context.
// Anything else stays what it is.
CUresult vgpu_library_resolve(CUfunction* function);

// In a forked child: see process.h.
void vgpu_libraries_forget(void);

#endif
