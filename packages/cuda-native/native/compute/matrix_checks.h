// What operations on matrices check before they touch memory.
#pragma once

#include "compute/matrix.h"

namespace vgpu::compute {

/** @throws Error argument for overlapping rows, capacity when the matrix reaches beyond its array */
void checkMatrix(const Matrix& matrix);
/** What checkMatrix() checks, for all of them, and that none reaches into the next. */
void checkBatch(const MatrixBatch& batch);
/** What the products of batches check before they touch memory. */
void checkBatchProducts(const MatrixBatch& a, const MatrixBatch& b, const MatrixBatch& c);
void checkBatchVectors(const MatrixBatch& a, const Array& x, const Array& y);
void checkShape(const Matrix& matrix, std::size_t rows, std::size_t columns);
void checkFloats(ElementType type);

}  // namespace vgpu::compute
