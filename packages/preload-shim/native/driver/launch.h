#ifndef VGPU_DRIVER_LAUNCH_H
#define VGPU_DRIVER_LAUNCH_H

#include <stdbool.h>

#include "cuda_abi.h"

struct vgpu_launch {
  CUfunction function;
  dim3 grid;
  dim3 block;
  unsigned int dynamic_shared_bytes;
  CUstream stream;
  void** parameters;  // NULL when `extra` has them
  void** extra;
};

CUresult vgpu_launch_kernel(const struct vgpu_launch* launch);

#endif
