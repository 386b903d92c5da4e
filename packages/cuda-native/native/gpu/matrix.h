// compute/matrix.h on the device: the same arguments and checks. Products of matrices of floats are summed in
// the type of their elements, in another order than on the CPU; the others have the same bits.
#pragma once

#include "compute/matrix.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void multiply(const Context& context, const compute::Matrix& a, const compute::Matrix& b,
              const compute::Matrix& c);
void multiplyVector(const Context& context, const compute::Matrix& a, const compute::Array& x,
                    const compute::Array& y);
void multiplyBatch(const Context& context, const compute::MatrixBatch& a, const compute::MatrixBatch& b,
                   const compute::MatrixBatch& c);
void multiplyVectors(const Context& context, const compute::MatrixBatch& a, const compute::Array& x,
                     const compute::Array& y);
void transpose(const Context& context, const compute::Matrix& a, const compute::Matrix& out);

}  // namespace vgpu::gpu
