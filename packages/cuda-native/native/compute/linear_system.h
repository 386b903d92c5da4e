// Systems of linear equations.
#pragma once

#include "compute/context.h"
#include "compute/matrix.h"

namespace vgpu::compute {

// By LU decomposition with partial pivoting, in the type of the matrix. The matrix is square, of f32 or f64,
// and stays as it is; outputs overlap no input, and are written only after the matrix has proved to be
// regular.

/** What both check; for the inverse `b` is the matrix itself. */
void checkSystem(const Matrix& a, const Matrix& b, const Matrix& x);
[[noreturn]] void refuseSingular(std::size_t pivot);

/** a x = b, for all columns of b.
 * @throws Error singular, with the number of the pivot that is exactly 0 */
void solve(Context& context, const Matrix& a, const Matrix& b, const Matrix& x);
void invert(Context& context, const Matrix& a, const Matrix& inverse);

}  // namespace vgpu::compute
