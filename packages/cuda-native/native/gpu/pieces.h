// Operations on vectors piece by piece: while one piece is computed, the next is prepared and the one before
// is put away. What they need on the device does not grow with the vectors.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>

#include "compute/element_type.h"
#include "gpu/context.h"

namespace vgpu::gpu {

constexpr std::size_t kInputs = 2;

/** Elements first … first + count, on the device. Each buffer holds `capacity` of them. */
struct Piece {
  StreamHandle stream = nullptr;
  std::array<DevicePointer, kInputs> inputs{};
  DevicePointer output = 0;
  std::size_t count = 0;
  std::size_t capacity = 0;
  /** Values that the output holds. */
  std::size_t outputCapacity = 0;
};

/** One value of so many bytes for each `per` elements. `per` is 1, or 2^15, of which pieces are whole
 * multiples. */
struct Output {
  std::size_t per = 1;
  std::size_t bytes = 0;
};

using Launch = std::function<void(const Piece&)>;
/** Output bytes from `offset` on. */
using Take = std::function<void(std::size_t offset, const std::byte* data, std::size_t bytes)>;

/** The inputs, of which there are at most two, have `count` elements at least. `take` gets the outputs in
 * their order.
 * @throws DriverError, compute::Error aborted */
void forPieces(const Context& context, std::span<const compute::Array> inputs, std::size_t count,
               const Output& output, const Launch& launch, const Take& take);

}  // namespace vgpu::gpu
