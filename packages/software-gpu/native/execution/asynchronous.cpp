// Copies from global to shared memory (cp.async), which are done at once, and barriers in shared memory
// (mbarrier).
#include <algorithm>
#include <bit>
#include <cstring>

#include "execution/block.h"
#include "execution/control.h"

namespace vgpu::software {
namespace {

template <class F>
void for_each_active(const Warp* warp, F action) {
  for (std::uint32_t lanes = warp->active; lanes != 0; lanes &= lanes - 1) {
    action(static_cast<std::uint32_t>(__builtin_ctz(lanes)));
  }
}

const Instruction* run_copy_async(const Instruction* in, Warp* warp) {
  const std::uint32_t bytes = in->destination;
  std::uint32_t ignored = 0;
  if ((in->flags & kCopyPredicate) != 0) {
    ignored =
        *frame_row<const std::uint32_t>(warp, in->d) ^ ((in->flags & kCopyNegated) != 0 ? kAllLanes : 0);
  }
  for_each_active(warp, [&](std::uint32_t lane) {
    const std::uint32_t wanted = frame_row<const std::uint32_t>(warp, in->c)[lane];
    if (wanted > bytes) {
      fail(Status::illegal_instruction, in, warp, lane,
           "cp.async of " + std::to_string(bytes) + " bytes is to read " + std::to_string(wanted));
    }
    const std::uint32_t read = (ignored >> lane & 1) != 0 ? 0 : wanted;
    std::byte* to = resolve_pointer(in, warp, lane, 0, bytes, bytes);
    if (read != 0) {
      const std::uint64_t from = frame_row<const std::uint64_t>(warp, in->b)[lane];
      std::memcpy(to, resolve_address(in, warp, lane, Space::global, from, read, bytes), read);
    }
    std::memset(to + read, 0, bytes - read);
  });
  return in + 1;
}

// --- mbarrier
// -----------------------------------------------------------------------------------------------

// Only the threads of its own block reach an object, and they take turns: nothing here has to be atomic.
MbarrierObject load_object(const std::byte* place) {
  MbarrierObject object;
  std::memcpy(&object, place, sizeof object);
  return object;
}

void store_object(std::byte* place, const MbarrierObject& object) {
  std::memcpy(place, &object, sizeof object);
}

std::byte* object_of(const Instruction* in, Warp* warp, std::uint32_t lane) {
  return resolve_pointer(in, warp, lane, 0, sizeof(MbarrierObject), sizeof(MbarrierObject));
}

const Instruction* run_mbarrier_init(const Instruction* in, Warp* warp) {
  constexpr std::uint32_t kMostThreads = (1U << 20) - 1;
  for_each_active(warp, [&](std::uint32_t lane) {
    const std::uint32_t count = frame_row<const std::uint32_t>(warp, in->b)[lane];
    if (count == 0 || count > kMostThreads) {
      fail(Status::illegal_instruction, in, warp, lane,
           "mbarrier.init for " + std::to_string(count) + " arrivals; 1 to " + std::to_string(kMostThreads) +
               " are possible");
    }
    store_object(object_of(in, warp, lane), MbarrierObject{count, count, 0});
  });
  return in + 1;
}

const Instruction* run_mbarrier_arrive(const Instruction* in, Warp* warp) {
  for_each_active(warp, [&](std::uint32_t lane) {
    const std::uint32_t count = frame_row<const std::uint32_t>(warp, in->b)[lane];
    std::byte* place = object_of(in, warp, lane);
    MbarrierObject object = load_object(place);
    const auto state = std::bit_cast<std::uint64_t>(object);
    if (count == 0 || count > object.pending) {
      fail(Status::illegal_instruction, in, warp, lane,
           "mbarrier arrival of " + std::to_string(count) + " where " + std::to_string(object.pending) +
               " are pending");
    }
    object.pending -= count;
    if ((in->flags & mbarrier_flag::drop) != 0) object.expected -= count;
    if (object.pending == 0) {
      object.pending = object.expected;
      ++object.phase;
    }
    store_object(place, object);
    frame_row<std::uint64_t>(warp, in->destination)[lane] = state;
  });
  return in + 1;
}

/// Whether the phase is over: that of a state when the object is in another one, that of a parity when the
/// current phase has the other one.
const Instruction* run_mbarrier_test(const Instruction* in, Warp* warp) {
  std::uint32_t over = 0;
  for_each_active(warp, [&](std::uint32_t lane) {
    const MbarrierObject object = load_object(object_of(in, warp, lane));
    bool is_over = false;
    if ((in->flags & mbarrier_flag::parity) != 0) {
      is_over = (object.phase & 1) != (frame_row<const std::uint32_t>(warp, in->b)[lane] & 1);
    } else {
      const auto state = std::bit_cast<MbarrierObject>(frame_row<const std::uint64_t>(warp, in->b)[lane]);
      is_over = object.phase != state.phase;
    }
    if (is_over) over |= std::uint32_t{1} << lane;
  });
  auto& predicate = *frame_row<std::uint32_t>(warp, in->destination);
  predicate = (predicate & ~warp->active) | over;
  return in + 1;
}

}  // namespace

void add_asynchronous_handlers(Handler* table) {
  table[static_cast<std::uint16_t>(Operation::copy_async)] = run_copy_async;
  table[static_cast<std::uint16_t>(Operation::mbarrier_init)] = run_mbarrier_init;
  table[static_cast<std::uint16_t>(Operation::mbarrier_arrive)] = run_mbarrier_arrive;
  table[static_cast<std::uint16_t>(Operation::mbarrier_test)] = run_mbarrier_test;
}

}  // namespace vgpu::software
