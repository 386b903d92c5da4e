// Loads and stores. The addresses of a warp nearly always fall into one of two patterns: consecutive lanes
// next to each other, which is a copy of rows, or anywhere within one allocation, which is a loop. Everything
// else (other state spaces, several allocations, mistakes) takes the slow path, lane by lane.
#include "execution/vector/families.h"
#include "execution/vector/rows.h"

namespace vgpu::software::VGPU_VECTOR_PATH {
namespace {

/// Where the lanes' data lie in this process.
struct Places {
  bool consecutive;  // lane i at pointers[0] + i · bytes
  alignas(64) std::byte* pointers[kLanes];
};

[[gnu::always_inline]] inline Space space_of(const Instruction* in) {
  return static_cast<Space>(in->flags & memory_flag::space_mask);
}

/// The address operand with its offset, as host addresses if it lies in device or shared memory.
template <bool kMasked>
[[gnu::always_inline]] inline void host_addresses(const Instruction* in, const Warp* warp,
                                                  s64 addresses[kLanes]) {
  s64 base = static_cast<s32>(in->immediate);
  if (space_of(in) == Space::shared) base += static_cast<s64>(warp->shared.begin);
  if ((in->flags & memory_flag::wide_address) != 0) {
    const s64* lanes = row<const s64>(warp, in->a);
    for (u32 i = 0; i < kLanes; ++i)
      addresses[i] = static_cast<s64>(static_cast<u64>(lanes[i]) + static_cast<u64>(base));
  } else {
    const u32* lanes = row<const u32>(warp, in->a);
    for (u32 i = 0; i < kLanes; ++i) addresses[i] = static_cast<s64>(u64{lanes[i]} + static_cast<u64>(base));
  }
  if constexpr (kMasked) {
    // Inactive lanes must not disturb the checks: give them an active lane's address.
    const s64 some = addresses[__builtin_ctz(warp->active)];
    const s32* active = warp->lane_words;
    for (u32 i = 0; i < kLanes; ++i) addresses[i] = active[i] != 0 ? addresses[i] : some;
  }
}

/// All lanes' `bytes` (a power of two) lie aligned within one allocation that this instruction knows already.
template <bool kMasked>
[[gnu::always_inline]] inline bool find_places_quickly(const Instruction* in, const Warp* warp, u32 bytes,
                                                       Places& places) {
  auto* addresses = reinterpret_cast<s64*>(places.pointers);
  host_addresses<kMasked>(in, warp, addresses);
  const AddressRange range = space_of(in) == Space::shared
                                 ? warp->shared
                                 : warp->recent_ranges[static_cast<u64>(in->immediate) >> 32];
  const auto begin = static_cast<s64>(range.begin);
  const auto last = static_cast<s64>(range.end) - bytes;

  const s64 first = addresses[0];
  if constexpr (!kMasked) {
    s64 difference = 0;
    for (u32 i = 0; i < kLanes; ++i) difference |= addresses[i] ^ (first + static_cast<s64>(i) * bytes);
    if (difference == 0) {
      places.consecutive = true;
      return first >= begin && first + static_cast<s64>(kLanes - 1) * bytes <= last &&
             (first & (bytes - 1)) == 0;
    }
  }
  places.consecutive = false;
  s64 lowest = first;
  s64 highest = first;
  s64 all_bits = 0;
  for (u32 i = 0; i < kLanes; ++i) {
    lowest = addresses[i] < lowest ? addresses[i] : lowest;
    highest = addresses[i] > highest ? addresses[i] : highest;
    all_bits |= addresses[i];
  }
  return lowest >= begin && highest <= last && (all_bits & (bytes - 1)) == 0;
}

template <bool kMasked>
[[gnu::always_inline]] inline void find_places(const Instruction* in, Warp* warp, u32 bytes, Places& places) {
  const Space space = space_of(in);
  const bool quick = space != Space::local && space != Space::parameter &&
                     find_places_quickly<kMasked>(in, warp, bytes, places);
  if (!quick) [[unlikely]] {
    places.consecutive = false;
    resolve_pointers(in, warp, warp->active, bytes, places.pointers);
  }
}

template <bool kMasked, class F>
[[gnu::always_inline]] inline void for_active_lanes(const Warp* warp, F action) {
  if constexpr (kMasked) {
    for (u32 lanes = warp->active; lanes != 0; lanes &= lanes - 1)
      action(static_cast<u32>(__builtin_ctz(lanes)));
  } else {
    for (u32 i = 0; i < kLanes; ++i) action(i);
  }
}

template <class T>
[[gnu::always_inline]] inline T read(const std::byte* place, bool strong) {
  const auto* typed = reinterpret_cast<const T*>(place);
  return strong ? __atomic_load_n(typed, __ATOMIC_ACQUIRE) : *typed;
}

template <class T>
[[gnu::always_inline]] inline void write(std::byte* place, T value, bool strong) {
  auto* typed = reinterpret_cast<T*>(place);
  if (strong) {
    __atomic_store_n(typed, value, __ATOMIC_RELEASE);
  } else {
    *typed = value;
  }
}

// A strong access to a vector happens as a whole, as on hardware: CUB's scans keep a state and its value next
// to each other and rely on never seeing a part of what another thread stores. Aligned moves of 16 bytes are
// whole on every x86-64 processor with AVX (Intel SDM, volume 3, 10.1.1; AMD APM, volume 2, 7.3.2).
typedef u64 Quadword __attribute__((vector_size(16)));
constexpr u32 kLargestWhole = sizeof(Quadword);

inline void read_whole(const std::byte* place, u32 bytes, std::byte* copy) {
  if (bytes == sizeof(Quadword)) {
    const Quadword value = *reinterpret_cast<const volatile Quadword*>(place);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    __builtin_memcpy(copy, &value, sizeof value);
  } else if (bytes == sizeof(u64)) {
    const u64 value = read<u64>(place, true);
    __builtin_memcpy(copy, &value, sizeof value);
  } else if (bytes == sizeof(u32)) {
    const u32 value = read<u32>(place, true);
    __builtin_memcpy(copy, &value, sizeof value);
  } else {
    const u16 value = read<u16>(place, true);
    __builtin_memcpy(copy, &value, sizeof value);
  }
}

inline void write_whole(std::byte* place, u32 bytes, const std::byte* copy) {
  if (bytes == sizeof(Quadword)) {
    Quadword value;
    __builtin_memcpy(&value, copy, sizeof value);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    *reinterpret_cast<volatile Quadword*>(place) = value;
  } else if (bytes == sizeof(u64)) {
    u64 value;
    __builtin_memcpy(&value, copy, sizeof value);
    write(place, value, true);
  } else if (bytes == sizeof(u32)) {
    u32 value;
    __builtin_memcpy(&value, copy, sizeof value);
    write(place, value, true);
  } else {
    u16 value;
    __builtin_memcpy(&value, copy, sizeof value);
    write(place, value, true);
  }
}

[[gnu::always_inline]] inline u32 elements_of(const Instruction* in) {
  return (in->flags & memory_flag::width_mask) >> memory_flag::width_shift;
}
[[gnu::always_inline]] inline void element_rows(const Instruction* in, u32 rows[4]) {
  rows[0] = in->destination;
  rows[1] = in->b;
  rows[2] = in->c;
  rows[3] = in->d;
}
/// `_` in a vector operand.
constexpr u32 kNoRow = 0xffff'ffff;

/// M is the type in memory, R the type of the register's lanes: conversion extends by M's sign.
template <class M, class R>
struct Load {
  template <bool kMasked>
  static const Instruction* run(const Instruction* in, Warp* warp) {
    const u32 elements = elements_of(in);
    Places places;
    if (elements != 1) return run_vector<kMasked>(in, warp, elements, places);
    find_places<kMasked>(in, warp, sizeof(M), places);
    R* destination = row<R>(warp, in->destination);
    const bool strong = (in->flags & memory_flag::strong) != 0;
    if (places.consecutive && !strong) {
      const M* source = reinterpret_cast<const M*>(places.pointers[0]);
      VGPU_INDEPENDENT_LANES
      for (u32 i = 0; i < kLanes; ++i) destination[i] = static_cast<R>(source[i]);
    } else {
      for_active_lanes<kMasked>(
          warp, [&](u32 i) { destination[i] = static_cast<R>(read<M>(places.pointers[i], strong)); });
    }
    return in + 1;
  }

  template <bool kMasked>
  [[gnu::noinline]] static const Instruction* run_vector(const Instruction* in, Warp* warp, u32 elements,
                                                         Places& places) {
    find_places<kMasked>(in, warp, sizeof(M) * elements, places);
    if (places.consecutive) {
      for (u32 i = 1; i < kLanes; ++i)
        places.pointers[i] = places.pointers[0] + u64{i} * sizeof(M) * elements;
    }
    const bool strong = (in->flags & memory_flag::strong) != 0;
    u32 rows[4];
    element_rows(in, rows);
    if (strong && elements * sizeof(M) <= kLargestWhole) {
      for_active_lanes<kMasked>(warp, [&](u32 i) {
        M copy[kLargestWhole / sizeof(M)];
        read_whole(places.pointers[i], elements * sizeof(M), reinterpret_cast<std::byte*>(copy));
        for (u32 element = 0; element < elements; ++element) {
          if (rows[element] != kNoRow) row<R>(warp, rows[element])[i] = static_cast<R>(copy[element]);
        }
      });
      return in + 1;
    }
    for (u32 element = 0; element < elements; ++element) {
      if (rows[element] == kNoRow) continue;
      R* destination = row<R>(warp, rows[element]);
      for_active_lanes<kMasked>(warp, [&](u32 i) {
        destination[i] = static_cast<R>(read<M>(places.pointers[i] + element * sizeof(M), strong));
      });
    }
    return in + 1;
  }
};

template <class M, class R>
struct Store {
  template <bool kMasked>
  static const Instruction* run(const Instruction* in, Warp* warp) {
    const u32 elements = elements_of(in);
    Places places;
    if (elements != 1) return run_vector<kMasked>(in, warp, elements, places);
    find_places<kMasked>(in, warp, sizeof(M), places);
    const R* source = row<const R>(warp, in->destination);
    const bool strong = (in->flags & memory_flag::strong) != 0;
    if (places.consecutive && !strong) {
      M* destination = reinterpret_cast<M*>(places.pointers[0]);
      VGPU_INDEPENDENT_LANES
      for (u32 i = 0; i < kLanes; ++i) destination[i] = static_cast<M>(source[i]);
    } else {
      for_active_lanes<kMasked>(warp,
                                [&](u32 i) { write(places.pointers[i], static_cast<M>(source[i]), strong); });
    }
    return in + 1;
  }

  template <bool kMasked>
  [[gnu::noinline]] static const Instruction* run_vector(const Instruction* in, Warp* warp, u32 elements,
                                                         Places& places) {
    find_places<kMasked>(in, warp, sizeof(M) * elements, places);
    if (places.consecutive) {
      for (u32 i = 1; i < kLanes; ++i)
        places.pointers[i] = places.pointers[0] + u64{i} * sizeof(M) * elements;
    }
    const bool strong = (in->flags & memory_flag::strong) != 0;
    u32 rows[4];
    element_rows(in, rows);
    if (strong && elements * sizeof(M) <= kLargestWhole) {
      for_active_lanes<kMasked>(warp, [&](u32 i) {
        M copy[kLargestWhole / sizeof(M)] = {};
        for (u32 element = 0; element < elements; ++element) {
          copy[element] = static_cast<M>(row<const R>(warp, rows[element])[i]);
        }
        write_whole(places.pointers[i], elements * sizeof(M), reinterpret_cast<const std::byte*>(copy));
      });
      return in + 1;
    }
    // Lane by lane, so that lanes writing to the same place do so in the order of their numbers.
    for_active_lanes<kMasked>(warp, [&](u32 i) {
      for (u32 element = 0; element < elements; ++element) {
        const R value = row<const R>(warp, rows[element])[i];
        write(places.pointers[i] + element * sizeof(M), static_cast<M>(value), strong);
      }
    });
    return in + 1;
  }
};

/// ld.param in a kernel: the decoder has checked the offset.
template <class M, class R>
struct LoadParameter {
  template <bool kMasked>
  static const Instruction* run(const Instruction* in, Warp* warp) {
    M value;
    __builtin_memcpy(&value, warp->parameters + in->immediate, sizeof(M));
    for_lanes<kMasked>(warp, row<R>(warp, in->destination), [=](u32) { return static_cast<R>(value); });
    return in + 1;
  }
};

}  // namespace

void add_memory_handlers(Handler* full, Handler* masked) {
#define ADD(id, ...)                                                         \
  full[static_cast<u32>(Operation::id)] = &__VA_ARGS__::template run<false>; \
  masked[static_cast<u32>(Operation::id)] = &__VA_ARGS__::template run<true>;
#define ADD_LOAD(id, M, R) \
  ADD(ld_##id, Load<M, R>) \
  ADD(ldp_##id, LoadParameter<M, R>)
  ADD_LOAD(u8_16, u8, u16)
  ADD_LOAD(u8_32, u8, u32)
  ADD_LOAD(u8_64, u8, u64)
  ADD_LOAD(s8_16, s8, s16)
  ADD_LOAD(s8_32, s8, s32)
  ADD_LOAD(s8_64, s8, s64)
  ADD_LOAD(u16_16, u16, u16)
  ADD_LOAD(u16_32, u16, u32)
  ADD_LOAD(u16_64, u16, u64)
  ADD_LOAD(s16_32, s16, s32)
  ADD_LOAD(s16_64, s16, s64)
  ADD_LOAD(u32_32, u32, u32)
  ADD_LOAD(u32_64, u32, u64)
  ADD_LOAD(s32_64, s32, s64)
  ADD_LOAD(u64_64, u64, u64)
  ADD(st_8_16, Store<u8, u16>)
  ADD(st_8_32, Store<u8, u32>)
  ADD(st_8_64, Store<u8, u64>)
  ADD(st_16_16, Store<u16, u16>)
  ADD(st_16_32, Store<u16, u32>)
  ADD(st_16_64, Store<u16, u64>)
  ADD(st_32_32, Store<u32, u32>)
  ADD(st_32_64, Store<u32, u64>)
  ADD(st_64_64, Store<u64, u64>)
#undef ADD_LOAD
#undef ADD
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
