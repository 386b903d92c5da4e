// Arrays and formats of texels, as the runtime API and as the driver API say them.

#ifndef VGPU_RUNTIME_TEXTURE_H
#define VGPU_RUNTIME_TEXTURE_H

#include "cuda_abi.h"

// The error is not remembered as the last one. How many channels there may be is the driver's to say.
cudaError_t vgpu_runtime_format(const struct cudaChannelFormatDesc* desc, CUarray_format* format,
                                unsigned int* channels);
// Makes the thread's device current first.
cudaError_t vgpu_runtime_element_bytes(const struct cudaArray* array, size_t* bytes);
struct cudaChannelFormatDesc vgpu_runtime_channels(CUarray_format format, unsigned int channels);

#endif
