#include "execution/observed_access.h"

#include <algorithm>
#include <cstring>

namespace vgpu::software {
namespace {

using Addresses = std::array<std::uint64_t, kLanes>;

std::uint32_t lowest_lane(LaneMask lanes) {
  return static_cast<std::uint32_t>(__builtin_ctz(lanes));
}

template <class F>
void for_each_lane(LaneMask lanes, F action) {
  for (; lanes != 0; lanes &= lanes - 1) action(lowest_lane(lanes));
}

Space space_of(const Instruction& in) {
  return static_cast<Space>(in.flags & memory_flag::space_mask);
}

std::uint32_t elements_of(const Instruction& in) {
  return (in.flags & memory_flag::width_mask) >> memory_flag::width_shift;
}

/// The address operand with its offset; the sum wraps around at the width of the address.
Addresses addresses_of(const ScheduledWarp& warp, const Instruction& in) {
  Addresses addresses{};
  const auto offset = static_cast<std::int32_t>(in.immediate);
  const bool wide = (in.flags & memory_flag::wide_address) != 0;
  for_each_lane(warp.active, [&](std::uint32_t lane) {
    if (wide) {
      addresses[lane] = frame_row<const std::uint64_t>(&warp, in.a)[lane] +
                        static_cast<std::uint64_t>(std::int64_t{offset});
    } else {
      addresses[lane] =
          frame_row<const std::uint32_t>(&warp, in.a)[lane] + static_cast<std::uint32_t>(offset);
    }
  });
  return addresses;
}

struct Place {
  Space space;
  std::uint64_t address;
};

Place concrete(Space space, std::uint64_t address) {
  if (space != Space::generic) return {space, address};
  if (address - kSharedWindow < kWindowBytes) return {Space::shared, address - kSharedWindow};
  if (address - kLocalWindow < kWindowBytes) return {Space::local, address - kLocalWindow};
  if (address - kParameterWindow < kWindowBytes) return {Space::parameter, address - kParameterWindow};
  return {Space::global, address};
}

/// Tells an access whose space may be generic; returns the lanes that may make it.
LaneMask tell(BlockObserver& observer, MemoryAccess access) {
  if (access.lanes == 0) return 0;
  if (access.space != Space::generic) return observer.accesses(access);
  std::array<Space, kLanes> spaces{};
  for_each_lane(access.lanes, [&](std::uint32_t lane) {
    const Place place = concrete(Space::generic, access.addresses[lane]);
    spaces[lane] = place.space;
    access.addresses[lane] = place.address;
  });
  LaneMask allowed = 0;
  for (LaneMask rest = access.lanes; rest != 0; rest &= ~access.lanes) {
    access.space = spaces[lowest_lane(rest)];
    access.lanes = 0;
    for_each_lane(rest, [&](std::uint32_t lane) {
      if (spaces[lane] == access.space) access.lanes |= LaneMask{1} << lane;
    });
    allowed |= observer.accesses(access);
  }
  return allowed;
}

struct Shape {
  AccessKind kind;
  std::uint32_t bytes;  // of an element
};

/// Of ld and st.
Shape shape_of(Operation operation) {
  switch (operation) {
    case Operation::ld_u8_16:
    case Operation::ld_u8_32:
    case Operation::ld_u8_64:
    case Operation::ld_s8_16:
    case Operation::ld_s8_32:
    case Operation::ld_s8_64:
      return {AccessKind::load, 1};
    case Operation::ld_u16_16:
    case Operation::ld_u16_32:
    case Operation::ld_u16_64:
    case Operation::ld_s16_32:
    case Operation::ld_s16_64:
      return {AccessKind::load, 2};
    case Operation::ld_u32_32:
    case Operation::ld_u32_64:
    case Operation::ld_s32_64:
      return {AccessKind::load, 4};
    case Operation::ld_u64_64:
      return {AccessKind::load, 8};
    case Operation::st_8_16:
    case Operation::st_8_32:
    case Operation::st_8_64:
      return {AccessKind::store, 1};
    case Operation::st_16_16:
    case Operation::st_16_32:
    case Operation::st_16_64:
      return {AccessKind::store, 2};
    case Operation::st_32_32:
    case Operation::st_32_64:
      return {AccessKind::store, 4};
    default:
      return {AccessKind::store, 8};  // st_64_64
  }
}

/// Bytes per lane of the register that st takes its value from.
std::uint32_t register_bytes(Operation operation) {
  switch (operation) {
    case Operation::st_8_16:
    case Operation::st_16_16:
      return 2;
    case Operation::st_8_32:
    case Operation::st_16_32:
    case Operation::st_32_32:
      return 4;
    case Operation::st_8_64:
    case Operation::st_16_64:
    case Operation::st_32_64:
    case Operation::st_64_64:
      return 8;
    default:
      return 0;  // no st
  }
}

LaneMask tell_simple(BlockObserver& observer, const ScheduledWarp& warp, const Instruction& in, Shape shape,
                     bool strong) {
  return tell(observer, {.warp = warp,
                         .instruction = in,
                         .kind = shape.kind,
                         .space = space_of(in),
                         .strong = strong,
                         .lanes = warp.active,
                         .bytes = shape.bytes,
                         .alignment = shape.bytes,
                         .addresses = addresses_of(warp, in)});
}

LaneMask tell_load_or_store(BlockObserver& observer, const ScheduledWarp& warp, const Instruction& in) {
  const bool strong = (in.flags & memory_flag::strong) != 0;
  Shape shape = shape_of(in.operation);
  shape.bytes *= elements_of(in);
  return tell_simple(observer, warp, in, shape, strong);
}

/// cp.async: lanes may read fewer bytes than they write, or none.
LaneMask tell_copy(BlockObserver& observer, const ScheduledWarp& warp, const Instruction& in) {
  LaneMask allowed = tell_simple(observer, warp, in, {AccessKind::store, in.destination}, false);
  LaneMask reading = warp.active;
  if ((in.flags & kCopyPredicate) != 0) {
    const bool negated = (in.flags & kCopyNegated) != 0;
    reading &= ~(*frame_row<const std::uint32_t>(&warp, in.d) ^ (negated ? kAllLanes : 0));
  }
  const auto* sizes = frame_row<const std::uint32_t>(&warp, in.c);
  Addresses from{};
  std::copy_n(frame_row<const std::uint64_t>(&warp, in.b), kLanes, from.begin());
  for (LaneMask rest = reading; rest != 0;) {
    const std::uint32_t bytes = sizes[lowest_lane(rest)];
    LaneMask lanes = 0;
    for_each_lane(rest, [&](std::uint32_t lane) {
      if (sizes[lane] == bytes) lanes |= LaneMask{1} << lane;
    });
    rest &= ~lanes;
    // More than are written is an error of its own, which the instruction reports.
    if (bytes == 0 || bytes > in.destination) continue;
    const LaneMask made = observer.accesses({.warp = warp,
                                             .instruction = in,
                                             .kind = AccessKind::load,
                                             .space = Space::global,
                                             .strong = false,
                                             .lanes = lanes,
                                             .bytes = bytes,
                                             .alignment = in.destination,
                                             .addresses = from});
    allowed &= ~(lanes & ~made);
  }
  return allowed;
}

/// ldmatrix: each of the first eight lanes has the address of a line of the first matrix, and so on.
LaneMask tell_matrix_lines(BlockObserver& observer, const ScheduledWarp& warp, const Instruction& in) {
  constexpr std::uint32_t kLines = 8;
  constexpr std::uint32_t kLineBytes = 16;
  const LaneMask lanes = (kAllLanes >> (kLanes - kLines * elements_of(in))) & warp.active;
  const LaneMask made = tell(observer, {.warp = warp,
                                        .instruction = in,
                                        .kind = AccessKind::load,
                                        .space = space_of(in),
                                        .strong = false,
                                        .lanes = lanes,
                                        .bytes = kLineBytes,
                                        .alignment = kLineBytes,
                                        .addresses = addresses_of(warp, in)});
  return warp.active & ~(lanes & ~made);
}

/// wmma.load and wmma.store: the warp moves the matrix together; its first lane stands for it.
LaneMask tell_fragment(BlockObserver& observer, const ScheduledWarp& warp, const Instruction& in) {
  Fragment fragment{};
  std::memcpy(&fragment, &in.c, sizeof fragment);
  const bool has_lines = (in.flags & kContiguousLines) != 0;
  const std::uint32_t pieces = has_lines ? fragment.lines : fragment.length;
  const std::uint32_t bytes = (has_lines ? fragment.length : fragment.lines) * fragment.element_bytes;
  const std::uint64_t distance = std::uint64_t{uniform_value(&warp, in.b)} * fragment.element_bytes;
  Addresses addresses = addresses_of(warp, in);
  const std::uint32_t lane = lowest_lane(warp.active);
  const LaneMask first = LaneMask{1} << lane;
  bool made = true;
  for (std::uint32_t piece = 0; piece < pieces; ++piece) {
    made &= tell(observer,
                 {.warp = warp,
                  .instruction = in,
                  .kind = in.operation == Operation::load_fragment ? AccessKind::load : AccessKind::store,
                  .space = space_of(in),
                  .strong = false,
                  .lanes = first,
                  .bytes = bytes,
                  .alignment = fragment.element_bytes,
                  .addresses = addresses}) == first;
    addresses[lane] += distance;
  }
  return made ? warp.active : 0;
}

}  // namespace

bool takes_whole_warp(Operation operation) {
  switch (operation) {
    case Operation::ldmatrix:
    case Operation::ldmatrix_trans:
    case Operation::movmatrix:
    case Operation::load_fragment:
    case Operation::store_fragment:
      return true;
    default:
      return is_matrix_product(operation);
  }
}

LaneMask tell_accesses(BlockObserver& observer, const ScheduledWarp& warp, const Instruction& in) {
  switch (in.operation) {
    case Operation::atom_any:
      return tell_simple(observer, warp, in,
                         {AccessKind::atomic, atomic_bytes(static_cast<AtomicType>(in.d & 0xff))}, true);
    case Operation::copy_async:
      return tell_copy(observer, warp, in);
    case Operation::mbarrier_init:
      return tell_simple(observer, warp, in, {AccessKind::store, sizeof(MbarrierObject)}, false);
    case Operation::mbarrier_arrive:
    case Operation::mbarrier_test:
      return tell_simple(observer, warp, in, {AccessKind::atomic, sizeof(MbarrierObject)}, true);
    case Operation::ldmatrix:
    case Operation::ldmatrix_trans:
      return tell_matrix_lines(observer, warp, in);
    case Operation::load_fragment:
    case Operation::store_fragment:
      return tell_fragment(observer, warp, in);
    default:
      return tell_load_or_store(observer, warp, in);
  }
}

bool stored_bytes(const MemoryAccess& access, std::uint32_t lane, std::byte* bytes) {
  const Instruction& in = access.instruction;
  const std::uint32_t width = register_bytes(in.operation);
  if (width == 0) return false;
  const std::uint32_t rows[] = {in.destination, in.b, in.c, in.d};
  const std::uint32_t elements = elements_of(in);
  const std::size_t element_bytes = access.bytes / elements;
  for (std::uint32_t element = 0; element < elements; ++element) {
    // Little-endian: the low bytes of the register come first.
    std::memcpy(bytes + element * element_bytes,
                access.warp.frame + rows[element] + std::size_t{lane} * width, element_bytes);
  }
  return true;
}

}  // namespace vgpu::software
