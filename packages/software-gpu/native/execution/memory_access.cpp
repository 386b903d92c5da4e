// Memory operations that need no vectors: the slow path of loads and stores, atomics, parameters of device
// functions, and questions about addresses.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "execution/block.h"
#include "execution/control.h"
#include "text.h"

#define VGPU_VECTOR_PATH common
#include "execution/lane_math.h"

namespace vgpu::software {
namespace {

Space space_of(const Instruction* in) {
  return static_cast<Space>(in->flags & memory_flag::space_mask);
}

std::uint64_t address_of_lane(const Instruction* in, const Warp* warp, std::uint32_t lane) {
  const std::uint64_t base = (in->flags & memory_flag::wide_address) != 0
                                 ? frame_row<const std::uint64_t>(warp, in->a)[lane]
                                 : frame_row<const std::uint32_t>(warp, in->a)[lane];
  return base + static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(in->immediate)});
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

// --- Atomics
// ------------------------------------------------------------------------------------------------

template <class T>
T load(const std::byte* row, std::uint32_t lane) {
  T value;
  std::memcpy(&value, row + lane * sizeof(T), sizeof(T));
  return value;
}

/// Replaces the value by `update(old)` as one step and returns the old one. Several threads of this process
/// may run blocks that do the same.
template <class T, class F>
T update_atomically(std::byte* place, F update) {
  auto* target = reinterpret_cast<T*>(place);
  T old = __atomic_load_n(target, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(target, &old, update(old), true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
  return old;
}

template <class T>
T integer_result(AtomicOperation operation, T old, T b) {
  switch (operation) {
    case AtomicOperation::add:
      return static_cast<T>(static_cast<u64>(old) + static_cast<u64>(b));
    case AtomicOperation::min:
      return b < old ? b : old;
    case AtomicOperation::max:
      return b > old ? b : old;
    case AtomicOperation::bit_and:
      return old & b;
    case AtomicOperation::bit_or:
      return old | b;
    case AtomicOperation::bit_xor:
      return old ^ b;
    case AtomicOperation::exchange:
      return b;
    case AtomicOperation::increment:
      return old >= b ? 0 : old + 1;
    case AtomicOperation::decrement:
      return old == 0 || old > b ? b : old - 1;
    case AtomicOperation::compare_exchange:
      break;  // has two operands
  }
  __builtin_unreachable();
}

template <class T>
void atomic_integer(const Instruction* in, const Warp* warp, std::uint32_t lane, std::byte* place) {
  const auto operation = static_cast<AtomicOperation>(in->d >> 8);
  const T b = load<T>(warp->frame + in->b, lane);
  const T c = load<T>(warp->frame + in->c, lane);
  T old{};
  if (operation == AtomicOperation::compare_exchange) {
    old = update_atomically<T>(place, [&](T value) { return value == b ? c : value; });
  } else if (operation == AtomicOperation::add) {
    old = __atomic_fetch_add(reinterpret_cast<T*>(place), b, __ATOMIC_ACQ_REL);
  } else {
    old = update_atomically<T>(place, [&](T value) { return integer_result(operation, value, b); });
  }
  if ((in->flags & kAtomicResult) != 0) frame_row<T>(warp, in->destination)[lane] = old;
}

bool is_shared(const Warp* warp, const std::byte* place) {
  const auto address = reinterpret_cast<std::uint64_t>(place);
  return address >= warp->shared.begin && address < warp->shared.end;
}

void atomic_add_f32(const Instruction* in, const Warp* warp, std::uint32_t lane, std::byte* place) {
  const f32 b = load<f32>(warp->frame + in->b, lane);
  // PTX: subnormals become zero in global memory, but not in shared memory.
  const bool keep = is_shared(warp, place);
  const u32 old = update_atomically<u32>(place, [&](u32 bits) {
    const f32 value = common::f32_of(bits);
    const f32 sum = keep ? value + b : common::flush(common::flush(value) + common::flush(b));
    return common::bits_of(common::canonical(sum));
  });
  if ((in->flags & kAtomicResult) != 0) frame_row<u32>(warp, in->destination)[lane] = old;
}

void atomic_add_f64(const Instruction* in, const Warp* warp, std::uint32_t lane, std::byte* place) {
  const f64 b = load<f64>(warp->frame + in->b, lane);
  const u64 old = update_atomically<u64>(
      place, [&](u64 bits) { return common::bits_of(common::canonical(common::f64_of(bits) + b)); });
  if ((in->flags & kAtomicResult) != 0) frame_row<u64>(warp, in->destination)[lane] = old;
}

void atomic_add_f16(const Instruction* in, const Warp* warp, std::uint32_t lane, std::byte* place) {
  const f16 b = load<f16>(warp->frame + in->b, lane);
  const u16 old = update_atomically<u16>(
      place, [&](u16 a) { return common::narrow(common::widen(f16{a}) + common::widen(b)).bits; });
  if ((in->flags & kAtomicResult) != 0) frame_row<u16>(warp, in->destination)[lane] = old;
}

void atomic_add_f16x2(const Instruction* in, const Warp* warp, std::uint32_t lane, std::byte* place) {
  const u32 b = load<u32>(warp->frame + in->b, lane);
  const u32 old = update_atomically<u32>(place, [&](u32 a) {
    return common::join(common::narrow(common::low(a) + common::low(b)),
                        common::narrow(common::high(a) + common::high(b)));
  });
  if ((in->flags & kAtomicResult) != 0) frame_row<u32>(warp, in->destination)[lane] = old;
}

const Instruction* run_atomic(const Instruction* in, Warp* warp) {
  const auto type = static_cast<AtomicType>(in->d & 0xff);
  std::byte* places[kLanes];
  resolve_pointers(in, warp, warp->active, atomic_bytes(type), places);
  for (std::uint32_t lanes = warp->active; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<std::uint32_t>(__builtin_ctz(lanes));
    switch (type) {
      case AtomicType::u32:
        atomic_integer<u32>(in, warp, lane, places[lane]);
        break;
      case AtomicType::s32:
        atomic_integer<s32>(in, warp, lane, places[lane]);
        break;
      case AtomicType::u64:
        atomic_integer<u64>(in, warp, lane, places[lane]);
        break;
      case AtomicType::s64:
        atomic_integer<s64>(in, warp, lane, places[lane]);
        break;
      case AtomicType::b16:
        atomic_integer<u16>(in, warp, lane, places[lane]);
        break;
      case AtomicType::f32:
        atomic_add_f32(in, warp, lane, places[lane]);
        break;
      case AtomicType::f64:
        atomic_add_f64(in, warp, lane, places[lane]);
        break;
      case AtomicType::f16:
        atomic_add_f16(in, warp, lane, places[lane]);
        break;
      case AtomicType::f16x2:
        atomic_add_f16x2(in, warp, lane, places[lane]);
        break;
    }
  }
  return in + 1;
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
  table[static_cast<std::uint16_t>(Operation::atom_any)] = run_atomic;
  table[static_cast<std::uint16_t>(Operation::fence)] = run_fence;
  table[static_cast<std::uint16_t>(Operation::ld_region)] = run_load_region;
  table[static_cast<std::uint16_t>(Operation::st_region)] = run_store_region;
  table[static_cast<std::uint16_t>(Operation::isspacep)] = run_isspacep;
}

}  // namespace vgpu::software
