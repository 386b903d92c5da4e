// Products of matrices as a step of other operations.
#pragma once

#include <vector>

#include "compute/context.h"
#include "compute/matrix.h"

namespace vgpu::compute {

/** c = alpha a b + beta c. */
struct ProductStep {
  Matrix a;
  Matrix b;
  Matrix c;
  double alpha = 1;
  double beta = 0;
};

/** All have the same shape and types. The matrices are not checked, and may be parts of one array: where they
 * are interleaved by their strides, they do not overlap. One product of the process at a time.
 * @throws Error aborted, before it begins */
void multiplySteps(const Context& context, const std::vector<ProductStep>& steps);

}  // namespace vgpu::compute
