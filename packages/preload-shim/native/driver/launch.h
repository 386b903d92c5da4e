#ifndef VGPU_DRIVER_LAUNCH_H
#define VGPU_DRIVER_LAUNCH_H

#include <stdbool.h>

#include "cuda_abi.h"

struct vgpu_launch {
  CUfunction function;
  dim3 grid;
  dim3 block;
  unsigned int dynamic_shared_bytes;
  bool cooperative;  // all blocks at once
  CUstream stream;
  void** parameters;  // NULL when `extra` has them
  void** extra;
};

CUresult vgpu_launch_kernel(const struct vgpu_launch* launch);

// Gets the arguments as they travel; they are gone when it returns.
typedef CUresult vgpu_packed_launch(const struct vgpu_launch* launch, const void* packed, size_t bytes,
                                    void* argument);
// Checks the configuration and packs the arguments; the result of `then`, or what is wrong.
CUresult vgpu_launch_pack(const struct vgpu_launch* launch, vgpu_packed_launch* then, void* argument);
// Sends a launch that has been checked.
CUresult vgpu_launch_packed(const struct vgpu_launch* launch, const void* packed, size_t bytes,
                            CUstream stream);

#endif
