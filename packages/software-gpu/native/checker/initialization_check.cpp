#include "checker/initialization_check.h"

#include "text.h"

namespace vgpu::software::checker {
namespace {

std::size_t shared_bytes_of(const Launch& launch) {
  return std::size_t{launch.kernel->static_shared_bytes} + launch.configuration.dynamic_shared_bytes;
}

std::size_t local_bytes_of(const Launch& launch) {
  const Dim3& block = launch.configuration.block;
  const std::size_t warps = (std::size_t{block.x} * block.y * block.z + kLanes - 1) / kLanes;
  return local_bytes_per_thread(launch) * kLanes * warps;
}

}  // namespace

InitializationCheck::InitializationCheck(FindingLog& log, const Allocations& allocations,
                                         DeviceShadow& device, const Launch& launch)
    : log_(log),
      allocations_(allocations),
      device_(device),
      shared_bytes_(shared_bytes_of(launch)),
      local_bytes_(local_bytes_of(launch)),
      shared_(shared_bytes_),
      local_(local_bytes_) {}

void InitializationCheck::block_begins() {
  shared_.clear(0, shared_bytes_);
  if (local_was_written_) local_.clear(0, local_bytes_);
  local_was_written_ = false;
}

void InitializationCheck::accesses(const MemoryAccess& access) {
  for (LaneMask rest = access.lanes; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(rest));
    const Place place = place_of_lane(access, lane);
    if (place.bits == nullptr) continue;
    if (access.kind != AccessKind::store) {
      if (const auto clear = place.bits->first_clear(place.first, access.bytes)) {
        report(access, lane, *clear - place.first);
      }
    }
    if (access.kind != AccessKind::load) place.bits->set(place.first, access.bytes);
  }
}

InitializationCheck::Place InitializationCheck::place_of_lane(const MemoryAccess& access,
                                                              std::uint32_t lane) {
  const std::uint64_t address = access.addresses[lane];
  switch (access.space) {
    case Space::shared:
      return {&shared_, address};
    case Space::local: {
      if (access.kind != AccessKind::load) local_was_written_ = true;
      const std::uint64_t thread = std::uint64_t{access.warp.number} * kLanes + lane;
      return {&local_, thread * access.warp.block->local_bytes + address};
    }
    case Space::global:
      if (address < recent_.begin || address >= recent_.end) {
        const auto found = allocations_.find(address);
        if (!found) return {};  // a variable of a module, which begins as zero
        recent_ = *found;
      }
      if (recent_.initialized) return {};
      return {&device_.bits, address - device_.base};
    default:
      return {};
  }
}

void InitializationCheck::report(const MemoryAccess& access, std::uint32_t lane, std::size_t byte) {
  log_.add("uninitialized-read", access.warp, access.instruction, nullptr, [&] {
    Finding finding;
    finding.check = "init";
    finding.kind = "uninitialized-read";
    finding.place = place_of(access.warp, access.instruction, lane);
    finding.access = describe_access(access, lane);
    const std::uint64_t address = access.addresses[lane];
    if (access.space == Space::global) finding.allocation = allocations_.explain(address, access.bytes);
    finding.message = std::to_string(access.bytes) + "-byte " + finding.access->operation + " at " +
                      hexadecimal(address) + " of " + finding.access->space + " memory: " +
                      (byte == 0 ? "nothing was written there"
                                 : "nothing was written from its byte " + std::to_string(byte) + " on");
    return finding;
  });
}

}  // namespace vgpu::software::checker
