// Atomic operations: for the lanes of a warp one after the other, in the order of their numbers.
#include "execution/block.h"
#include "execution/control.h"

#define VGPU_VECTOR_PATH common
#include "execution/vector/places.h"

namespace vgpu::software {
namespace {

/// A block runs on one thread, whose warps take turns, so nothing comes between two accesses to its shared
/// memory. Global memory other threads change, too.
template <bool kShared, class T, class F>
T update(std::byte* place, F result) {
  auto* target = reinterpret_cast<T*>(place);
  if constexpr (kShared) {
    const T old = *target;
    *target = result(old);
    return old;
  } else {
    T old = __atomic_load_n(target, __ATOMIC_RELAXED);
    while (
        !__atomic_compare_exchange_n(target, &old, result(old), true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
    }
    return old;
  }
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

/// One lane's update of T, given its operands; the classes below are what there is. `b` is also the type of
/// the rows.
template <class T>
struct Integer {
  using Lane = T;
  AtomicOperation operation;
  template <bool kShared>
  T apply(std::byte* place, T b, T c) const {
    if (operation == AtomicOperation::compare_exchange) {
      return update<kShared, T>(place, [=](T old) { return old == b ? c : old; });
    }
    return update<kShared, T>(place, [=, this](T old) { return integer_result(operation, old, b); });
  }
};

template <class T>
struct AddInteger {
  using Lane = T;
  template <bool kShared>
  T apply(std::byte* place, T b, T /*c*/) const {
    if constexpr (!kShared) return __atomic_fetch_add(reinterpret_cast<T*>(place), b, __ATOMIC_ACQ_REL);
    return update<kShared, T>(place, [=](T old) { return integer_result(AtomicOperation::add, old, b); });
  }
};

struct AddF32 {
  using Lane = u32;
  // PTX: subnormals become zero in global memory, but not in shared memory.
  template <bool kShared>
  u32 apply(std::byte* place, u32 b, u32 /*c*/) const {
    const f32 addend = common::f32_of(b);
    return update<kShared, u32>(place, [=](u32 bits) {
      const f32 value = common::f32_of(bits);
      const f32 sum = kShared ? value + addend : common::flush(common::flush(value) + common::flush(addend));
      return common::bits_of(common::canonical(sum));
    });
  }
};

struct AddF64 {
  using Lane = u64;
  template <bool kShared>
  u64 apply(std::byte* place, u64 b, u64 /*c*/) const {
    return update<kShared, u64>(place, [=](u64 bits) {
      return common::bits_of(common::canonical(common::f64_of(bits) + common::f64_of(b)));
    });
  }
};

struct AddF16 {
  using Lane = u16;
  template <bool kShared>
  u16 apply(std::byte* place, u16 b, u16 /*c*/) const {
    return update<kShared, u16>(
        place, [=](u16 a) { return common::narrow(common::widen(f16{a}) + common::widen(f16{b})).bits; });
  }
};

struct AddF16x2 {
  using Lane = u32;
  template <bool kShared>
  u32 apply(std::byte* place, u32 b, u32 /*c*/) const {
    return update<kShared, u32>(place, [=](u32 a) {
      return common::join(common::narrow(common::low(a) + common::low(b)),
                          common::narrow(common::high(a) + common::high(b)));
    });
  }
};

bool is_shared(const Warp* warp, const std::byte* place) {
  const auto address = reinterpret_cast<std::uint64_t>(place);
  return address >= warp->shared.begin && address < warp->shared.end;
}

/// Lane by lane: `apply` updates a lane's place with its operands and returns what was there.
template <bool kMasked, class Lane, class Apply>
[[gnu::always_inline]] inline void update_lanes(const Instruction* in, const Warp* warp, Apply apply) {
  const auto* b = frame_row<const Lane>(warp, in->b);
  const auto* c = frame_row<const Lane>(warp, in->c);
  auto* result = (in->flags & kAtomicResult) != 0 ? frame_row<Lane>(warp, in->destination) : nullptr;
  common::for_active_lanes<kMasked>(warp, [&](u32 lane) {
    const Lane old = apply(lane, b[lane], c[lane]);
    if (result != nullptr) result[lane] = old;
  });
}

template <bool kShared, bool kMasked, class Update>
void update_near(const Instruction* in, const Warp* warp, const common::Places& places, Update update) {
  using Lane = typename Update::Lane;
  update_lanes<kMasked, Lane>(in, warp, [&](u32 lane, Lane b, Lane c) {
    return update.template apply<kShared>(places.origin + places.offsets[lane], b, c);
  });
}

/// Lanes in several allocations, or of generic addresses perhaps in several spaces.
template <class Update>
void update_anywhere(const Instruction* in, const Warp* warp, const common::Places& places, Update update) {
  using Lane = typename Update::Lane;
  update_lanes<true, Lane>(in, warp, [&](u32 lane, Lane b, Lane c) {
    std::byte* place = places.pointers[lane];
    return is_shared(warp, place) ? update.template apply<true>(place, b, c)
                                  : update.template apply<false>(place, b, c);
  });
}

template <class Update>
const Instruction* run_lanes(const Instruction* in, Warp* warp, Update update) {
  common::Places places;
  common::find_places<true>(in, warp, sizeof(typename Update::Lane), places);
  if (places.pattern == common::Places::Pattern::anywhere) {
    update_anywhere(in, warp, places, update);
  } else if (!is_shared(warp, places.origin)) {
    update_near<false, true>(in, warp, places, update);
  } else if (warp->active == kAllLanes) {
    update_near<true, false>(in, warp, places, update);
  } else {
    update_near<true, true>(in, warp, places, update);
  }
  return in + 1;
}

/// Whether all lanes add words to shared memory, as histograms do, and none of them is outside or misaligned:
/// then it has been done.
bool add_words_in_shared(const Instruction* in, const Warp* warp) {
  const bool wide = (in->flags & memory_flag::wide_address) != 0;
  const auto space = static_cast<Space>(in->flags & memory_flag::space_mask);
  if (wide || space != Space::shared || warp->active != kAllLanes) return false;
  const std::uint64_t bytes = warp->shared.end - warp->shared.begin;
  if (bytes < sizeof(u32)) return false;
  const auto last = static_cast<u32>(bytes - sizeof(u32));
  const auto offset = static_cast<u32>(in->immediate);
  const auto* addresses = frame_row<const u32>(warp, in->a);
  u32 wrong = 0;
  for (u32 lane = 0; lane < kLanes; ++lane) {
    const u32 address = addresses[lane] + offset;
    wrong |= static_cast<u32>(address > last) | (address % sizeof(u32));
  }
  if (wrong != 0) return false;
  auto* words = reinterpret_cast<std::byte*>(warp->shared.begin);
  update_lanes<false, u32>(in, warp, [=](u32 lane, u32 b, u32 /*c*/) {
    return AddInteger<u32>{}.apply<true>(words + (addresses[lane] + offset), b, 0);
  });
  return true;
}

/// Adding is the most frequent by far and has code of its own.
template <class T>
const Instruction* run_integer(const Instruction* in, Warp* warp, AtomicOperation operation) {
  if (operation == AtomicOperation::add) return run_lanes(in, warp, AddInteger<T>{});
  return run_lanes(in, warp, Integer<T>{operation});
}

const Instruction* run_atomic(const Instruction* in, Warp* warp) {
  const auto operation = static_cast<AtomicOperation>(in->d >> 8);
  const auto type = static_cast<AtomicType>(in->d & 0xff);
  const bool adds_words =
      operation == AtomicOperation::add && (type == AtomicType::u32 || type == AtomicType::s32);
  if (adds_words && add_words_in_shared(in, warp)) return in + 1;
  switch (type) {
    case AtomicType::u32:
      return run_integer<u32>(in, warp, operation);
    case AtomicType::s32:
      return run_integer<s32>(in, warp, operation);
    case AtomicType::u64:
      return run_integer<u64>(in, warp, operation);
    case AtomicType::s64:
      return run_integer<s64>(in, warp, operation);
    case AtomicType::b16:
      return run_integer<u16>(in, warp, operation);
    case AtomicType::f32:
      return run_lanes(in, warp, AddF32{});
    case AtomicType::f64:
      return run_lanes(in, warp, AddF64{});
    case AtomicType::f16:
      return run_lanes(in, warp, AddF16{});
    case AtomicType::f16x2:
      return run_lanes(in, warp, AddF16x2{});
  }
  __builtin_unreachable();
}

}  // namespace

void add_atomic_handlers(Handler* table) {
  table[static_cast<std::uint16_t>(Operation::atom_any)] = run_atomic;
}

}  // namespace vgpu::software
