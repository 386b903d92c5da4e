// How kernels are called: what they do, then the types of their elements.
#pragma once

#include <string>

#include "compute/element_type.h"
#include "gpu/device.h"

namespace vgpu::gpu {

inline std::string nameOf(compute::ElementType type) {
  static constexpr const char* names[] = {"f32", "f64", "i32", "u32", "i64", "u64"};
  return names[static_cast<std::size_t>(type)];
}

/** The unsigned integers of the same size. */
inline std::string bitsOf(compute::ElementType type) {
  return compute::elementBytes(type) == 4 ? "u32" : "u64";
}

/** The type of a kernel for sums and products that wrap around: one for integers of a size, signed or not. */
inline std::string wrappingNameOf(compute::ElementType type) {
  return compute::isFloat(type) ? nameOf(type) : bitsOf(type);
}

inline std::string kernelName(const std::string& operation, const std::string& type) {
  return operation + "_" + type;
}

/** For kernels that go on to the elements behind those of the whole grid. */
inline Grid gridFor(std::size_t count, std::size_t perBlock = 256) {
  constexpr std::size_t kMost = 2048;
  const std::size_t blocks = (count + perBlock - 1) / perBlock;
  return {.blocks = static_cast<unsigned>(blocks < kMost ? blocks : kMost)};
}

/** For kernels with one block for so many elements. */
inline Grid tiles(std::size_t count, std::size_t perBlock) {
  return {.blocks = static_cast<unsigned>((count + perBlock - 1) / perBlock)};
}

/** The most blocks of a grid's second and third direction. */
constexpr std::size_t kMostRows = 65535;

/** For kernels whose blocks make tiles, and go on to the rows behind those of the whole grid. */
inline Grid squares(std::size_t rows, std::size_t columns, std::size_t height, std::size_t width) {
  const std::size_t down = (rows + height - 1) / height;
  return {.blocks = static_cast<unsigned>((columns + width - 1) / width),
          .rows = static_cast<unsigned>(down < kMostRows ? down : kMostRows)};
}

inline Grid squares(std::size_t rows, std::size_t columns, std::size_t side) {
  return squares(rows, columns, side, side);
}

}  // namespace vgpu::gpu
