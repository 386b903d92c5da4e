// BLAS level 1 on vectors in this process's memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vgpu::blas {

/// Element i lies at first + i * increment; the increment may be negative or 0.
template <typename Number>
struct Vector {
  Number* first = nullptr;
  std::int64_t increment = 1;
  Number& operator[](std::int64_t index) const { return first[index * increment]; }
};

template <typename Number>
void axpy(std::int64_t count, Number alpha, Vector<const Number> x, Vector<Number> y);
template <typename Number>
void scal(std::int64_t count, Number alpha, Vector<Number> x);
template <typename Number>
void copy(std::int64_t count, Vector<const Number> x, Vector<Number> y);
template <typename Number>
void swap(std::int64_t count, Vector<Number> x, Vector<Number> y);

/// Sums are formed in double, in the order of the elements.
template <typename Number>
Number dot(std::int64_t count, Vector<const Number> x, Vector<const Number> y);
template <typename Number>
Number asum(std::int64_t count, Vector<const Number> x);
/// Neither overflows nor underflows where the result does not.
template <typename Number>
Number nrm2(std::int64_t count, Vector<const Number> x);

/// The first element of greatest or least magnitude, counted from 1; 0 for none.
template <typename Number>
std::int32_t iamax(std::int64_t count, Vector<const Number> x);
template <typename Number>
std::int32_t iamin(std::int64_t count, Vector<const Number> x);

}  // namespace vgpu::blas
