// Memory that the program has named and that may not exist.

#ifndef VGPU_TRANSPORT_PROGRAM_MEMORY_H
#define VGPU_TRANSPORT_PROGRAM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "cuda_abi.h"

// Whether all of [bytes, bytes + length) can be read. Some system calls; for what is asked about seldom.
bool vgpu_program_memory_has(const void* bytes, size_t length);

// CUDA_SUCCESS when [bytes, bytes + length) can be copied from (or to): a socket's system calls notice memory
// that does not exist, but copying it into shared memory would crash the program. Checks nothing where the
// connection is a socket. CUDA_ERROR_INVALID_VALUE otherwise, and a line in the log.
CUresult vgpu_program_memory_readable(const void* bytes, size_t length);
CUresult vgpu_program_memory_writable(void* bytes, size_t length);

#endif
