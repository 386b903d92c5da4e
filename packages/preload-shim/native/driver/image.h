// How long a module image is. The CUDA API hands over a pointer alone.

#ifndef VGPU_DRIVER_IMAGE_H
#define VGPU_DRIVER_IMAGE_H

#include "cuda_abi.h"

struct vgpu_image {
  const void* bytes;
  size_t length;
};

// Finds the image behind `image`: PTX text (its length includes the NUL), a fat binary, the wrapper that nvcc
// puts around one, or a cubin. No byte at or beyond `available` is read; SIZE_MAX when the caller does not
// know. CUDA_ERROR_INVALID_IMAGE when it is none of these or longer than a frame carries.
CUresult vgpu_image_measure(const void* image, size_t available, struct vgpu_image* measured);

#endif
