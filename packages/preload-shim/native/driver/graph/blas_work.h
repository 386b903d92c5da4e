// An operation of cuBLAS as a stream carries it out. To programs that look at a graph it is a kernel node, as
// with the original.

#ifndef VGPU_DRIVER_GRAPH_BLAS_WORK_H
#define VGPU_DRIVER_GRAPH_BLAS_WORK_H

#include "cuda_abi.h"
#include "vgpu_protocol.h"

enum vgpu_blas_kind { VGPU_BLAS_NONE = 0, VGPU_BLAS_PRODUCT = 1, VGPU_BLAS_SOLVE = 2, VGPU_BLAS_VECTOR = 3 };

struct vgpu_blas_work {
  CUcontext context;  // that of the handle
  CUdevice device;
  union {
    struct vgpu_blas_product product;
    struct vgpu_blas_solve solve;
    struct vgpu_blas_vector vector;
  };
};

CUresult vgpu_blas_run(enum vgpu_blas_kind kind, const struct vgpu_blas_work* work, CUstream stream);

#endif
