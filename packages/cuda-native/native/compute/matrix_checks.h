// What operations on matrices check before they touch memory.
#pragma once

#include "compute/matrix.h"

namespace vgpu::compute {

/** @throws Error argument for overlapping rows, capacity when the matrix reaches beyond its array */
void checkMatrix(const Matrix& matrix);
/** What checkMatrix() checks, for all of them, and that none reaches into the next. */
void checkBatch(const MatrixBatch& batch);
void checkShape(const Matrix& matrix, std::size_t rows, std::size_t columns);
void checkFloats(ElementType type);

}  // namespace vgpu::compute
