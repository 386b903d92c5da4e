// A call that a stream can carry out: now, or recorded in a graph and later.

#ifndef VGPU_DRIVER_GRAPH_WORK_H
#define VGPU_DRIVER_GRAPH_WORK_H

#include "driver/graph/blas_work.h"
#include "driver/graph/memory.h"
#include "driver/launch.h"

struct vgpu_kernel_work {
  struct vgpu_launch launch;  // its stream and its `extra` mean nothing here
  void* packed;               // the arguments as they travel
  size_t packed_bytes;
  void** arguments;  // one pointer into `packed` for each; NULL until somebody asks
};

struct vgpu_work {
  CUgraphNodeType type;
  enum vgpu_blas_kind blas_kind;  // of a kernel node: which operation of cuBLAS it stands for, if any
  union {
    struct vgpu_kernel_work kernel;
    struct vgpu_blas_work blas;
    CUDA_MEMCPY3D copy;
    CUDA_MEMSET_NODE_PARAMS fill;
    CUDA_HOST_NODE_PARAMS host;
    struct vgpu_memory_work memory;
    CUevent event;
    CUgraph child;
  };
};

// Whether it allocates or frees.
bool vgpu_work_is_memory(const struct vgpu_work* work);

// Carries it out, or when the stream is being captured records a copy of it.
CUresult vgpu_submit(const struct vgpu_work* work, CUstream stream);

// In the order of the stream. The first error ends it.
CUresult vgpu_work_run(const struct vgpu_work* work, CUstream stream);

// What the copy owns goes with vgpu_work_clear. CUDA_ERROR_OUT_OF_MEMORY leaves nothing behind.
CUresult vgpu_work_copy(struct vgpu_work* copy, const struct vgpu_work* work);
void vgpu_work_clear(struct vgpu_work* work);

#endif
