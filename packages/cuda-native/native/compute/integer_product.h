// Products of matrices of integers, modulo 2^32 or 2^64.
#pragma once

#include "compute/context.h"
#include "compute/matrix.h"

namespace vgpu::compute {

/** c[i] = a[i] b[i]. The matrices are checked.
 * @throws Error aborted, between two blocks */
void multiplyIntegers(const Context& context, const MatrixBatch& a, const MatrixBatch& b,
                      const MatrixBatch& c);

}  // namespace vgpu::compute
