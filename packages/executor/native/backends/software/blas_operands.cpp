#include "backends/software/blas_operands.h"

#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "backends/backend.h"
#include "support/hexadecimal.h"
#include "vgpu/blas/short_floats.h"

namespace vgpu::executor {
namespace {

using blas::Element;

template <typename Value>
Value value_of(const void* bytes) {
  Value value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

double number_of(const void* bytes, Element element) {
  switch (element) {
    case Element::f16:
      return blas::widen(value_of<blas::Half>(bytes));
    case Element::bf16:
      return blas::widen(value_of<blas::BFloat>(bytes));
    case Element::f64:
      return value_of<double>(bytes);
    case Element::i8:
      return value_of<std::int8_t>(bytes);
    case Element::i32:
      return value_of<std::int32_t>(bytes);
    default:
      return value_of<float>(bytes);
  }
}

/// Bytes from the first to behind the last element; nothing when that is no number.
std::optional<std::uint64_t> extent(BlasOperands::Shape shape, std::uint64_t distance, std::size_t element) {
  std::uint64_t elements = 0;
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(std::uint64_t{shape.columns} - 1, distance, &elements) ||
      __builtin_add_overflow(elements, shape.rows, &elements) ||
      __builtin_mul_overflow(elements, element, &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

Element blas_element(std::int32_t type) {
  switch (type) {
    case CUDA_R_16F:
      return Element::f16;
    case CUDA_R_16BF:
      return Element::bf16;
    case CUDA_R_32F:
      return Element::f32;
    case CUDA_R_64F:
      return Element::f64;
    case CUDA_R_8I:
      return Element::i8;
    case CUDA_R_32I:
      return Element::i32;
    default:
      throw CallError(CUDA_ERROR_INVALID_VALUE, "data type " + std::to_string(type));
  }
}

std::span<std::byte> blas_range(DeviceSpace& space, const char* name, std::uint64_t address,
                                std::uint64_t bytes, std::uint64_t alignment, bool written) {
  if (address % alignment != 0) {
    throw CallError(CUDA_ERROR_MISALIGNED_ADDRESS, std::string(name) + " at " + hexadecimal(address) +
                                                       " is not aligned to " + std::to_string(alignment));
  }
  try {
    if (!written) return space.readable(address, bytes);
    const auto range = space.writable(address, bytes);
    space.note_written(address, bytes);
    return range;
  } catch (const std::exception& error) {
    throw CallError(CUDA_ERROR_ILLEGAL_ADDRESS, std::string(name) + " at " + hexadecimal(address) + ", " +
                                                    std::to_string(bytes) + " bytes: " + error.what());
  }
}

BlasOperands::BlasOperands(DeviceSpace& space, std::uint32_t flags, std::uint32_t batch_count)
    : space_(space), flags_(flags), batch_count_(batch_count) {
  // Every one gets a description here, which may not be where a program ends the worker.
  constexpr std::uint32_t kMost = 1U << 20;
  if (batch_count > kMost) {
    throw CallError(CUDA_ERROR_NOT_SUPPORTED,
                    "a batch of " + std::to_string(batch_count) + ", at most " + std::to_string(kMost));
  }
}

double BlasOperands::scalar(const char* name, std::uint64_t bits_or_address, Element element,
                            std::uint32_t on_device) {
  if ((flags_ & on_device) == 0) return number_of(&bits_or_address, element);
  const std::size_t bytes = blas::element_bytes(element);
  return number_of(blas_range(space_, name, bits_or_address, bytes, bytes, false).data(), element);
}

blas::Matrix BlasOperands::matrix(const Given& given, Shape shape, std::uint64_t address, bool written) {
  const std::size_t element = blas::element_bytes(given.element);
  const bool backwards = given.leading_dimension < 0;
  const auto distance = backwards ? std::uint64_t{0} - static_cast<std::uint64_t>(given.leading_dimension)
                                  : static_cast<std::uint64_t>(given.leading_dimension);
  // The columns of a matrix may not overlap; a vector, which is a single row, may lie as it likes.
  constexpr std::uint32_t kMost = std::numeric_limits<std::int32_t>::max();
  const auto bytes = extent(shape, distance, element);
  if (shape.rows > kMost || shape.columns > kMost || !bytes || (shape.rows > 1 && distance < shape.rows)) {
    throw CallError(CUDA_ERROR_INVALID_VALUE, std::string(given.name) + " of " + std::to_string(shape.rows) +
                                                  " x " + std::to_string(shape.columns) +
                                                  " with leading dimension " +
                                                  std::to_string(given.leading_dimension));
  }
  std::byte* lowest = blas_range(space_, given.name, address, *bytes, element, written).data();
  std::byte* first = backwards ? lowest + (shape.columns - 1) * distance * element : lowest;
  return {first, given.element, 1, given.leading_dimension};
}

std::vector<blas::Matrix> BlasOperands::matrices(const Given& given, Shape shape, bool written) {
  std::vector<blas::Matrix> found;
  found.reserve(batch_count_);
  if ((flags_ & VGPU_BLAS_POINTER_ARRAYS) != 0) {
    const auto pointers = blas_range(space_, "an array of pointers", given.address,
                                     batch_count_ * sizeof(std::uint64_t), sizeof(std::uint64_t), false);
    for (std::uint32_t i = 0; i < batch_count_; ++i) {
      const auto address = value_of<std::uint64_t>(pointers.data() + i * sizeof(std::uint64_t));
      found.push_back(matrix(given, shape, address, written));
    }
    return found;
  }
  const auto stride = static_cast<std::uint64_t>(given.stride) *
                      blas::element_bytes(given.element);  // may wrap: so does the sum
  for (std::uint32_t i = 0; i < batch_count_; ++i) {
    found.push_back(matrix(given, shape, given.address + i * stride, written));
  }
  return found;
}

}  // namespace vgpu::executor
