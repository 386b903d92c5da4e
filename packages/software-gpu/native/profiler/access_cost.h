// What an access of a warp costs the memory of a GPU: the 32-byte sectors that it moves, and the passes that
// it takes over the 32 banks of shared memory.
#pragma once

#include <cstdint>

#include "execution/observer.h"

namespace vgpu::software::profiler {

/// Distinct sectors. In local memory a lane's word lies beside the same word of the other lanes, as the
/// CUDA C++ Programming Guide says ("Device Memory Accesses", local memory).
std::uint32_t sectors_of(const MemoryAccess& access);

struct BankPasses {
  std::uint32_t passes = 0;
  std::uint32_t conflicts = 0;  // passes beyond the one that each part of the access needs
};

/// 32 banks of 4 bytes; lanes that read the same word do not conflict. Accesses of more than 4 bytes a lane
/// are made in parts of 128 bytes: half a warp for 8, a quarter for 16.
BankPasses bank_passes_of(const MemoryAccess& access);

}  // namespace vgpu::software::profiler
