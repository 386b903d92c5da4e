#include "checker/access_check.h"

#include <utility>

#include "text.h"

namespace vgpu::software::checker {
namespace {

std::uint64_t number_of(const Block& block) {
  const Dim3& grid = block.launch->configuration.grid;
  return block.index[0] + std::uint64_t{grid.x} * (block.index[1] + std::uint64_t{grid.y} * block.index[2]);
}

std::string spelled(const std::array<std::uint32_t, 3>& index) {
  return "(" + std::to_string(index[0]) + "," + std::to_string(index[1]) + "," + std::to_string(index[2]) +
         ")";
}

/// As the error without the checker has it.
std::string spelled(const FindingPlace& place) {
  return "kernel '" + place.kernel + "', block " + spelled(place.block) + ", thread " +
         spelled(place.thread) + ", PTX line " + std::to_string(place.ptx_line);
}

bool in_device(const MemoryAccess& access) {
  return access.space == Space::global || access.space == Space::constant;
}

bool reaches_over_the_end(const FindingAllocation& allocation) {
  return allocation.position == "inside" && allocation.freed.empty();
}

}  // namespace

void FirstFault::note(std::uint64_t block, const std::function<Error()>& error) {
  const std::lock_guard lock(mutex_);
  if (error_ && block_ <= block) return;
  block_ = block;
  error_ = error();
}

std::optional<Error> FirstFault::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(error_, std::nullopt);
}

LaneMask AccessCheck::right_lanes(const MemoryAccess& access) {
  LaneMask right = access.lanes;
  for (LaneMask rest = access.lanes; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(rest));
    const std::uint64_t address = access.addresses[lane];
    const Range range = range_of(access, address);
    const bool inside = address >= range.begin && address < range.end && range.end - address >= access.bytes;
    if (!inside || address % access.alignment != 0) right &= ~(LaneMask{1} << lane);
  }
  return right;
}

LaneMask AccessCheck::check(const MemoryAccess& access) {
  const LaneMask right = right_lanes(access);
  for (LaneMask rest = access.lanes & ~right; rest != 0; rest &= rest - 1) {
    report(access, static_cast<std::uint32_t>(__builtin_ctz(rest)));
  }
  return right;
}

/// What may be touched around an address; empty when nothing may.
AccessCheck::Range AccessCheck::range_of(const MemoryAccess& access, std::uint64_t address) {
  const Block& block = *access.warp.block;
  switch (access.space) {
    case Space::shared:
      return {0, block.shared_bytes};
    case Space::local:
      return {0, block.local_bytes};
    case Space::parameter:
      return {0, block.launch->parameters.size()};
    default:
      if (address < recent_.begin || address >= recent_.end) recent_ = device_range(access, address);
      return recent_;
  }
}

AccessCheck::Range AccessCheck::device_range(const MemoryAccess& access, std::uint64_t address) const {
  if (const auto own = allocations_.find(address)) return {own->begin, own->end};
  // Variables of modules; and reserved ranges, of which the program may have only a part.
  const auto other = access.warp.block->launch->memory->find(address);
  if (!other || allocations_.any_in(other->base, other->base + other->bytes)) return {};
  return {other->base, other->base + other->bytes};
}

void AccessCheck::report(const MemoryAccess& access, std::uint32_t lane) {
  const std::uint64_t address = access.addresses[lane];
  const bool aligned = address % access.alignment == 0;
  const auto allocation = in_device(access) ? allocations_.explain(address, access.bytes) : std::nullopt;
  const char* kind = !aligned                                   ? "misaligned"
                     : allocation && !allocation->freed.empty() ? "use-after-free"
                                                                : "out-of-bounds";
  fault_.note(number_of(*access.warp.block), [&] {
    const Finding finding = describe(access, lane, kind);
    return Error(aligned ? Status::illegal_address : Status::misaligned_address,
                 spelled(*finding.place) + ": " + finding.message);
  });
  log_.add(kind, access.warp, access.instruction, nullptr, [&] { return describe(access, lane, kind); });
}

Finding AccessCheck::describe(const MemoryAccess& access, std::uint32_t lane, const char* kind) {
  const std::uint64_t address = access.addresses[lane];
  Finding finding;
  finding.check = "memory";
  finding.kind = kind;
  finding.place = place_of(access.warp, access.instruction, lane);
  finding.access = describe_access(access, lane);
  if (in_device(access)) finding.allocation = allocations_.explain(address, access.bytes);
  finding.message = std::to_string(access.bytes) + "-byte " + finding.access->operation + " at " +
                    hexadecimal(address) + " of " + finding.access->space + " memory";
  if (address % access.alignment != 0) {
    finding.message += ", which is not a multiple of " + std::to_string(access.alignment);
  } else if (finding.allocation) {
    finding.message += (reaches_over_the_end(*finding.allocation) ? ": reaching over the end, " : ": ") +
                       checker::describe(*finding.allocation);
  } else if (in_device(access)) {
    finding.message += ": nothing is allocated near";
  } else {
    finding.message += ", which has " + std::to_string(range_of(access, address).end) + " bytes";
  }
  return finding;
}

}  // namespace vgpu::software::checker
