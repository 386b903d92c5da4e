// The fuzzer's requests: of the right shape, with wild values, and now and then damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz_values.h"

namespace vgpu::executor::test {

/// Appends one frame to a client's stream, in that context unless chance chooses another.
void append_frame(std::vector<std::byte>& stream, const Known& known, std::uint64_t context, Random& random);

}  // namespace vgpu::executor::test
