#ifndef VGPU_CUBLAS_MULTIPLY_H
#define VGPU_CUBLAS_MULTIPLY_H

#include "cublas/handle.h"

// What a function of the gemm family was called with: `product` is complete but for the scalars.
struct vgpu_cublas_product {
  struct vgpu_blas_product product;
  const void* alpha;
  const void* beta;
};

// Checks the arguments, as the documentation has it, and submits the product.
cublasStatus_t vgpu_cublas_multiply(cublasHandle_t handle, const struct vgpu_cublas_product* call);

#endif
