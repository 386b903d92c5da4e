// What loading a module and loading a library have in common.

#ifndef VGPU_DRIVER_MODULE_H
#define VGPU_DRIVER_MODULE_H

#include "cuda_abi.h"

// Options that only steer optimisation are accepted, those that ask for a log get an empty one; an option
// that changes what the code does is CUDA_ERROR_NOT_SUPPORTED.
CUresult vgpu_jit_options(unsigned int count, const CUjit_option* options, void** values);

// Reads the whole file, with a NUL behind it for text; *bytes is the caller's to free.
CUresult vgpu_read_module_file(const char* name, char** bytes, size_t* length);

#endif
