// The runtime API's idea of devices: each thread has a current one, each device one primary context per
// process, made when it is first needed.

#ifndef VGPU_RUNTIME_PRIMARY_CONTEXT_H
#define VGPU_RUNTIME_PRIMARY_CONTEXT_H

#include "cuda_abi.h"

// Initialises the driver API if nobody has. Enough for questions about devices.
CUresult vgpu_runtime_initialise(void);

// Makes sure that the calling thread has a current context: its own (a program may mix both APIs), or else
// the primary context of its device. The error that killed the context, if one has.
CUresult vgpu_runtime_enter(void);

// The primary context of a device, made when it is first needed.
CUresult vgpu_runtime_context_of(int device, CUcontext* context);

// In a forked child: see process.h.
void vgpu_primary_contexts_forget(void);

#endif
