// Matrices by rows.
#pragma once

#include <cstddef>

#include "compute/context.h"
#include "compute/element_type.h"

namespace vgpu::compute {

/** Row i begins at element i * stride; stride is `columns` at least. */
struct Matrix {
  Array array;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;
};

/** Matrices of one shape in one array: each begins `step` elements after the one before. */
struct MatrixBatch {
  Matrix first;
  std::size_t count = 0;
  std::size_t step = 0;
};

// The types of all matrices and vectors are the same. Outputs overlap no input.

/** c = a b. Floats by OpenBLAS where the machine has it, else by a kernel of our own; with that one the bits
 * do not depend on the number of threads. VGPU_COMPUTE_BLAS=own leaves OpenBLAS out. One product at a time;
 * it is not stopped on its way. Integers wrap around. */
void multiply(const Context& context, const Matrix& a, const Matrix& b, const Matrix& c);
/** What multiplies floats: "OpenBLAS …" or "its own kernel, …". */
const char* multiplierDescription();
/** y = a x. Each element is a sum in double, like dot(); integers wrap around. */
void multiplyVector(const Context& context, const Matrix& a, const Array& x, const Array& y);
/** c[i] = a[i] b[i], as multiply() does it. There are as many of each. */
void multiplyBatch(const Context& context, const MatrixBatch& a, const MatrixBatch& b, const MatrixBatch& c);
/** y[i] = a[i] x[i]; the vectors follow one another. */
void multiplyVectors(const Context& context, const MatrixBatch& a, const Array& x, const Array& y);
void transpose(const Context& context, const Matrix& a, const Matrix& out);

}  // namespace vgpu::compute
