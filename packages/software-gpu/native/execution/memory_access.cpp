// Memory operations that need no vectors: the slow path of loads and stores, fences, parameters of device
// functions, and questions about addresses.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "execution/block.h"
#include "execution/control.h"
#include "text.h"

namespace vgpu::software {
namespace {

Space space_of(const Instruction* in) {
  return static_cast<Space>(in->flags & memory_flag::space_mask);
}

/// The sum wraps around at the width of the address.
std::uint64_t address_of_lane(const Instruction* in, const Warp* warp, std::uint32_t lane) {
  const auto offset = static_cast<std::int32_t>(in->immediate);
  if ((in->flags & memory_flag::wide_address) == 0) {
    return frame_row<const std::uint32_t>(warp, in->a)[lane] + static_cast<std::uint32_t>(offset);
  }
  return frame_row<const std::uint64_t>(warp, in->a)[lane] + static_cast<std::uint64_t>(std::int64_t{offset});
}

/// One lane's access, on its way through the checks.
struct Access {
  const Instruction* instruction;
  Warp* warp;
  std::uint32_t lane;
  std::uint32_t bytes;
};

[[noreturn]] void fail_access(const Access& access, Status status, const std::string& message) {
  fail(status, access.instruction, access.warp, access.lane,
       std::to_string(access.bytes) + "-byte access " + message);
}

/// `offset` within one of the small spaces.
std::byte* place_in(const Access& access, std::byte* begin, std::uint64_t size, std::uint64_t offset,
                    const char* space) {
  if (offset >= size || size - offset < access.bytes) {
    fail_access(access, Status::illegal_address,
                std::string("at ") + hexadecimal(offset) + " of the " + std::to_string(size) + " bytes of " +
                    space + " memory");
  }
  return begin + offset;
}

std::byte* place_in_device(const Access& access, std::uint64_t address) {
  AddressRange& recent =
      access.warp->recent_ranges[static_cast<std::uint64_t>(access.instruction->immediate) >> 32];
  if (address >= recent.begin && address < recent.end && recent.end - address >= access.bytes) {
    return reinterpret_cast<std::byte*>(address);
  }
  const DeviceMemory& memory = *access.warp->block->launch->memory;
  const auto allocation = memory.find(address);
  if (!allocation || allocation->bytes - (address - allocation->base) < access.bytes) {
    std::string message = "at " + hexadecimal(address);
    if (const auto nearest = memory.nearest(address); !nearest) {
      message += ": nothing is allocated";
    } else {
      const std::uint64_t end = nearest->base + nearest->bytes;
      message += ": the nearest allocation is " + std::to_string(nearest->bytes) + " bytes at " +
                 hexadecimal(nearest->base);
      if (address < nearest->base) {
        message += ", " + std::to_string(nearest->base - address) + " bytes after the address";
      } else if (address >= end) {
        message += ", ending " + std::to_string(address - end) + " bytes before the address";
      } else {
        message += ", ending inside the access";
      }
    }
    fail_access(access, Status::illegal_address, message);
  }
  recent = {allocation->base, allocation->base + allocation->bytes};
  return reinterpret_cast<std::byte*>(address);
}

std::byte* place_of(const Access& access, Space space, std::uint64_t address) {
  Warp* warp = access.warp;
  const Block& block = *warp->block;
  switch (space) {
    case Space::shared:
      return place_in(access, block.shared.get(), block.shared_bytes, address, "shared");
    case Space::local: {
      const std::uint64_t thread = std::uint64_t{scheduled(warp)->number} * kLanes + access.lane;
      return place_in(access, block.local.get() + thread * block.local_bytes, block.local_bytes, address,
                      "local");
    }
    case Space::parameter:
      // The launch's own copy; the decoder refuses stores to it.
      return place_in(access, const_cast<std::byte*>(warp->parameters), block.launch->parameters.size(),
                      address, "parameter");
    case Space::generic:
      if (address - kSharedWindow < kWindowBytes)
        return place_of(access, Space::shared, address - kSharedWindow);
      if (address - kLocalWindow < kWindowBytes)
        return place_of(access, Space::local, address - kLocalWindow);
      if (address - kParameterWindow < kWindowBytes) {
        return place_of(access, Space::parameter, address - kParameterWindow);
      }
      return place_in_device(access, address);
    case Space::global:
    case Space::constant:
      return place_in_device(access, address);
  }
  __builtin_unreachable();
}

const Instruction* run_fence(const Instruction* in, Warp* /*warp*/) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return in + 1;
}

// --- Parameters of device functions
// -------------------------------------------------------------------------

const Instruction* run_load_region(const Instruction* in, Warp* warp) {
  for (std::uint32_t lanes = warp->active; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    std::uint64_t value = 0;
    std::memcpy(&value, warp->frame + in->a + std::size_t{lane} * in->b + in->immediate, in->c);
    if (in->flags != 0 && in->c < 8) {
      const unsigned unused_bits = 64 - 8 * in->c;
      value = static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused_bits) >> unused_bits);
    }
    std::memcpy(warp->frame + in->destination + std::size_t{lane} * in->d, &value, in->d);
  }
  return in + 1;
}

const Instruction* run_store_region(const Instruction* in, Warp* warp) {
  for (std::uint32_t lanes = warp->active; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    std::memcpy(warp->frame + in->a + std::size_t{lane} * in->b + in->immediate,
                warp->frame + in->destination + std::size_t{lane} * in->d, in->c);
  }
  return in + 1;
}

// --- Addresses
// ----------------------------------------------------------------------------------------------

Space space_of_generic(std::uint64_t address) {
  if (address - kSharedWindow < kWindowBytes) return Space::shared;
  if (address - kLocalWindow < kWindowBytes) return Space::local;
  if (address - kParameterWindow < kWindowBytes) return Space::parameter;
  return Space::global;
}

bool is_in_space(const Block& block, Space space, std::uint64_t address) {
  const auto& ranges = block.launch->kernel->constant_ranges;
  const bool is_constant = std::ranges::any_of(
      ranges, [=](const auto& range) { return address >= range.first && address < range.second; });
  if (space == Space::constant) return is_constant;
  return !is_constant && space_of_generic(address) == space;
}

const Instruction* run_isspacep(const Instruction* in, Warp* warp) {
  auto* predicate = frame_row<std::uint32_t>(warp, in->destination);
  for (std::uint32_t lanes = warp->active; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    const std::uint64_t address = frame_row<const std::uint64_t>(warp, in->a)[lane];
    const std::uint32_t bit = std::uint32_t{1} << lane;
    *predicate = is_in_space(*warp->block, space_of(in), address) ? *predicate | bit : *predicate & ~bit;
  }
  return in + 1;
}

}  // namespace

void resolve_pointers(const Instruction* in, Warp* warp, std::uint32_t lanes, std::uint32_t bytes,
                      std::byte* pointers[kLanes]) {
  for (; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    pointers[lane] = resolve_pointer(in, warp, lane, 0, bytes, bytes);
  }
}

std::byte* resolve_pointer(const Instruction* in, Warp* warp, std::uint32_t lane, std::uint64_t offset,
                           std::uint32_t bytes, std::uint32_t alignment) {
  return resolve_address(in, warp, lane, space_of(in), address_of_lane(in, warp, lane) + offset, bytes,
                         alignment);
}

std::byte* resolve_address(const Instruction* in, Warp* warp, std::uint32_t lane, Space space,
                           std::uint64_t address, std::uint32_t bytes, std::uint32_t alignment) {
  const Access access{in, warp, lane, bytes};
  if ((address & (alignment - 1)) != 0) {
    fail_access(access, Status::misaligned_address,
                "at " + hexadecimal(address) + ", which is not a multiple of " +
                    (alignment == bytes ? "its size" : std::to_string(alignment)));
  }
  return place_of(access, space, address);
}

void add_access_handlers(Handler* table) {
  table[static_cast<std::uint16_t>(Operation::fence)] = run_fence;
  table[static_cast<std::uint16_t>(Operation::ld_region)] = run_load_region;
  table[static_cast<std::uint16_t>(Operation::st_region)] = run_store_region;
  table[static_cast<std::uint16_t>(Operation::isspacep)] = run_isspacep;
}

}  // namespace vgpu::software
