// Loads and stores.
#include "execution/vector/families.h"
#include "execution/vector/places.h"

namespace vgpu::software::VGPU_VECTOR_PATH {
namespace {

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

[[gnu::always_inline]] inline bool is_strong(const Instruction* in) {
  return (in->flags & memory_flag::strong) != 0;
}

/// How lanes of a row that are next to each other share places in memory, as tiles of matrices make them do.
constexpr u32 kHalf = kLanes / 2;

/// Half a row from places that are all the same, one behind the other, or neither.
template <class M, class R>
[[gnu::always_inline]] inline void load_half(const std::byte* origin, const s32* offsets, R* destination) {
  const s32 first = offsets[0];
  const M* source = reinterpret_cast<const M*>(origin + first);
  if (all_zero<kHalf>([=](u32 i) { return (offsets[i] - first) ^ static_cast<s32>(i * sizeof(M)); })) {
    VGPU_INDEPENDENT_LANES
    for (u32 i = 0; i < kHalf; ++i) destination[i] = static_cast<R>(source[i]);
  } else if (all_zero<kHalf>([=](u32 i) { return offsets[i] - first; })) {
    const R value = static_cast<R>(*source);
    for (u32 i = 0; i < kHalf; ++i) destination[i] = value;
  } else {
    VGPU_INDEPENDENT_LANES
    for (u32 i = 0; i < kHalf; ++i) {
      destination[i] = static_cast<R>(*reinterpret_cast<const M*>(origin + offsets[i]));
    }
  }
}

#ifdef __AVX512F__
/// Words that all lie within the 32 from the first lane's on, in any order: these in two registers are a
/// table, from which one instruction picks 16 words. Returns whether they do.
template <bool kMasked, class A>
[[gnu::always_inline]] inline bool load_from_table(const Instruction* in, const Warp* warp, const A* lanes) {
  constexpr A kPlaces = 4 * (kLanes - 1);  // as bits of an offset
  const u32 first = kMasked ? static_cast<u32>(__builtin_ctz(warp->active)) : 0;
  const A begin = lanes[first];
  const s32* active = warp->lane_words;
  const std::byte* table = find_bytes(in, warp, begin, 0, 4 * kLanes, 4);
  const bool near = all_zero<kLanes>([=](u32 i) -> A {
    const A wrong = (lanes[i] - begin) & ~kPlaces;
    return kMasked ? wrong & static_cast<A>(active[i]) : wrong;
  });
  if (table == nullptr || !near) return false;
  alignas(64) u32 places[kLanes];
  for (u32 i = 0; i < kLanes; ++i) places[i] = static_cast<u32>(lanes[i] - begin) / 4;
  const __m512i low = _mm512_loadu_si512(table);
  const __m512i high = _mm512_loadu_si512(table + 64);
  auto* destination = row<u32>(warp, in->destination);
  for (u32 i = 0; i < kLanes; i += 16) {
    const auto mask = static_cast<__mmask16>(kMasked ? warp->active >> i : kAllLanes);
    const __m512i words = _mm512_permutex2var_epi32(low, _mm512_load_si512(places + i), high);
    _mm512_mask_store_epi32(destination + i, mask, words);
  }
  return true;
}
#endif

/// M is the type in memory, R the type of the register's lanes: conversion extends by M's sign.
template <class M, class R>
struct Load {
  template <bool kMasked>
  static const Instruction* run(const Instruction* in, Warp* warp) {
    if (elements_of(in) != 1) return run_vector<kMasked>(in, warp);
#ifdef __AVX512F__
    if constexpr (sizeof(M) == 4 && sizeof(R) == 4) {
      if ((in->flags & (memory_flag::wide_address | memory_flag::strong)) == 0 &&
          load_from_table<kMasked>(in, warp, row<const u32>(warp, in->a))) {
        return in + 1;
      }
    }
#endif
    const auto* source = reinterpret_cast<const M*>(find_row<kMasked>(in, warp, sizeof(M)));
    if (source == nullptr || is_strong(in)) return run_apart<kMasked>(in, warp);
    R* destination = row<R>(warp, in->destination);
    if constexpr (kMasked) {
      const s32* active = warp->lane_words;
      VGPU_INDEPENDENT_LANES
      for (u32 i = 0; i < kLanes; ++i) {
        if (active[i] != 0) destination[i] = static_cast<R>(source[i]);
      }
    } else {
      VGPU_INDEPENDENT_LANES
      for (u32 i = 0; i < kLanes; ++i) destination[i] = static_cast<R>(source[i]);
    }
    return in + 1;
  }

  /// The lanes' places are not behind each other, or each access is one of its own.
  template <bool kMasked>
  [[gnu::noinline]] static const Instruction* run_apart(const Instruction* in, Warp* warp) {
    Places places;
    find_places<kMasked>(in, warp, sizeof(M), places);
    R* destination = row<R>(warp, in->destination);
    if (is_strong(in) || places.pattern == Places::Pattern::anywhere) {
      for_active_lanes<kMasked>(
          warp, [&](u32 i) { destination[i] = static_cast<R>(read<M>(place_of(places, i), is_strong(in))); });
    } else if (places.pattern == Places::Pattern::same) {
      const R value = static_cast<R>(*reinterpret_cast<const M*>(places.origin));
      for_lanes<kMasked>(warp, destination, [=](u32) { return value; });
    } else if constexpr (kMasked) {
      for_active_lanes<true>(warp, [&](u32 i) {
        destination[i] = static_cast<R>(*reinterpret_cast<const M*>(places.origin + places.offsets[i]));
      });
    } else {
      load_half<M>(places.origin, places.offsets, destination);
      load_half<M>(places.origin, places.offsets + kHalf, destination + kHalf);
    }
    return in + 1;
  }

  template <bool kMasked>
  [[gnu::noinline]] static const Instruction* run_vector(const Instruction* in, Warp* warp) {
    const u32 elements = elements_of(in);
    u32 rows[4];
    element_rows(in, rows);
    if constexpr (!kMasked) {
      const auto* source = reinterpret_cast<const M*>(find_row<false>(in, warp, sizeof(M) * elements));
      if (source != nullptr && !is_strong(in)) {
        if (elements == 2) load_elements<2>(warp, rows, source);
        if (elements == 4) load_elements<4>(warp, rows, source);
        return in + 1;
      }
    }
    Places places;
    find_places<kMasked>(in, warp, sizeof(M) * elements, places);
    if (is_strong(in) && elements * sizeof(M) <= kLargestWhole) {
      for_active_lanes<kMasked>(warp, [&](u32 i) {
        M copy[kLargestWhole / sizeof(M)];
        read_whole(place_of(places, i), elements * sizeof(M), reinterpret_cast<std::byte*>(copy));
        for (u32 element = 0; element < elements; ++element) {
          if (rows[element] != kNoRow) row<R>(warp, rows[element])[i] = static_cast<R>(copy[element]);
        }
      });
      return in + 1;
    }
    for (u32 element = 0; element < elements; ++element) {
      if (rows[element] == kNoRow) continue;
      R* destination = row<R>(warp, rows[element]);
      if (places.pattern == Places::Pattern::same && !is_strong(in)) {
        const R value = static_cast<R>(reinterpret_cast<const M*>(places.origin)[element]);
        for_lanes<kMasked>(warp, destination, [=](u32) { return value; });
        continue;
      }
      for_active_lanes<kMasked>(warp, [&](u32 i) {
        const std::byte* place = place_of(places, i) + element * sizeof(M);
        destination[i] = static_cast<R>(read<M>(place, is_strong(in)));
      });
    }
    return in + 1;
  }

  /// From vectors behind each other.
  template <u32 kElements>
  [[gnu::always_inline]] static void load_elements(const Warp* warp, const u32 rows[4], const M* source) {
    for (u32 element = 0; element < kElements; ++element) {
      if (rows[element] == kNoRow) continue;
      R* destination = row<R>(warp, rows[element]);
      VGPU_INDEPENDENT_LANES
      for (u32 i = 0; i < kLanes; ++i) destination[i] = static_cast<R>(source[i * kElements + element]);
    }
  }
};

template <class M, class R>
struct Store {
  template <bool kMasked>
  static const Instruction* run(const Instruction* in, Warp* warp) {
    if (elements_of(in) != 1) return run_vector<kMasked>(in, warp);
    auto* destination = reinterpret_cast<M*>(find_row<kMasked>(in, warp, sizeof(M)));
    if (destination == nullptr || is_strong(in)) return run_apart<kMasked>(in, warp);
    const R* source = row<const R>(warp, in->destination);
    if constexpr (kMasked) {
      const s32* active = warp->lane_words;
      VGPU_INDEPENDENT_LANES
      for (u32 i = 0; i < kLanes; ++i) {
        if (active[i] != 0) destination[i] = static_cast<M>(source[i]);
      }
    } else {
      VGPU_INDEPENDENT_LANES
      for (u32 i = 0; i < kLanes; ++i) destination[i] = static_cast<M>(source[i]);
    }
    return in + 1;
  }

  // Lanes writing to the same place do so in the order of their numbers, here and below.
  template <bool kMasked>
  [[gnu::noinline]] static const Instruction* run_apart(const Instruction* in, Warp* warp) {
    Places places;
    find_places<kMasked>(in, warp, sizeof(M), places);
    const R* source = row<const R>(warp, in->destination);
    for_active_lanes<kMasked>(
        warp, [&](u32 i) { write(place_of(places, i), static_cast<M>(source[i]), is_strong(in)); });
    return in + 1;
  }

  template <bool kMasked>
  [[gnu::noinline]] static const Instruction* run_vector(const Instruction* in, Warp* warp) {
    const u32 elements = elements_of(in);
    u32 rows[4];
    element_rows(in, rows);
    if constexpr (!kMasked) {
      auto* destination = reinterpret_cast<M*>(find_row<false>(in, warp, sizeof(M) * elements));
      if (destination != nullptr && !is_strong(in)) {
        if (elements == 2) store_elements<2>(warp, rows, destination);
        if (elements == 4) store_elements<4>(warp, rows, destination);
        return in + 1;
      }
    }
    Places places;
    find_places<kMasked>(in, warp, sizeof(M) * elements, places);
    if (is_strong(in) && elements * sizeof(M) <= kLargestWhole) {
      for_active_lanes<kMasked>(warp, [&](u32 i) {
        M copy[kLargestWhole / sizeof(M)] = {};
        for (u32 element = 0; element < elements; ++element) {
          copy[element] = static_cast<M>(row<const R>(warp, rows[element])[i]);
        }
        write_whole(place_of(places, i), elements * sizeof(M), reinterpret_cast<const std::byte*>(copy));
      });
      return in + 1;
    }
    for_active_lanes<kMasked>(warp, [&](u32 i) {
      for (u32 element = 0; element < elements; ++element) {
        const R value = row<const R>(warp, rows[element])[i];
        write(place_of(places, i) + element * sizeof(M), static_cast<M>(value), is_strong(in));
      }
    });
    return in + 1;
  }

  /// To vectors behind each other.
  template <u32 kElements>
  [[gnu::always_inline]] static void store_elements(const Warp* warp, const u32 rows[4], M* destination) {
    const R* sources[kElements];
    for (u32 element = 0; element < kElements; ++element)
      sources[element] = row<const R>(warp, rows[element]);
    VGPU_INDEPENDENT_LANES
    for (u32 i = 0; i < kLanes; ++i) {
      for (u32 element = 0; element < kElements; ++element) {
        destination[i * kElements + element] = static_cast<M>(sources[element][i]);
      }
    }
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
