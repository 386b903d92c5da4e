// Rows of a warp's frame and loops over their lanes. Compiled once for each vector path, see lane_math.h.
#pragma once

#include "execution/lane_math.h"
#include "execution/warp.h"

// In front of a loop over lanes: none depends on another one, so the compiler may use vectors.
#ifdef __clang__
#define VGPU_INDEPENDENT_LANES _Pragma("clang loop vectorize(assume_safety)")
#else
#define VGPU_INDEPENDENT_LANES _Pragma("GCC ivdep")
#endif

namespace vgpu::software::VGPU_VECTOR_PATH {

template <class T>
[[gnu::always_inline]] inline T* row(const Warp* warp, u32 offset) {
  return reinterpret_cast<T*>(__builtin_assume_aligned(warp->frame + offset, 64));
}

/// destination[i] = value(i) for the active lanes. Rows are the same or apart, never shifted against each
/// other, so there is no dependency between lanes that would forbid vectors.
template <bool kMasked, class D, class F>
[[gnu::always_inline]] inline void for_lanes(const Warp* warp, D* destination, F value) {
  if constexpr (kMasked) {
    // Computed for all lanes and blended afterwards: in one loop the compiler would mask every load as well.
    D values[kLanes];
    for (u32 i = 0; i < kLanes; ++i) values[i] = value(i);
    const s32* active = warp->lane_words;
    for (u32 i = 0; i < kLanes; ++i) destination[i] = active[i] != 0 ? values[i] : destination[i];
  } else {
    VGPU_INDEPENDENT_LANES
    for (u32 i = 0; i < kLanes; ++i) destination[i] = value(i);
  }
}

/// A mask with bit i set where words[i] is not 0; the words are 0 or -1.
[[gnu::always_inline]] inline u32 mask_of(const s32 words[kLanes]);

/// Whether any bit is set in 64 bytes, aligned to as many.
[[gnu::always_inline]] inline bool any_set(const void* bytes);

/// The opposite of mask_of: words[i] becomes -1 where bit i of the mask is set.
[[gnu::always_inline]] inline void words_of(u32 mask, s32 words[kLanes]) {
  for (u32 i = 0; i < kLanes; ++i) words[i] = (mask & (u32{1} << i)) != 0 ? -1 : 0;
}

/// The active lanes' bits of a predicate change to those of `value`.
template <bool kMasked>
[[gnu::always_inline]] inline void set_predicate(const Warp* warp, u32 offset, u32 value) {
  auto* predicate = reinterpret_cast<u32*>(warp->frame + offset);
  *predicate = kMasked ? (*predicate & ~warp->active) | (value & warp->active) : value;
}

[[gnu::always_inline]] inline u32 predicate(const Warp* warp, u32 offset) {
  return *reinterpret_cast<const u32*>(warp->frame + offset);
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vgpu::software::VGPU_VECTOR_PATH {

inline u32 mask_of(const s32 words[kLanes]) {
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  const u32 low = _mm512_movepi32_mask(_mm512_loadu_si512(words));
  const u32 high = _mm512_movepi32_mask(_mm512_loadu_si512(words + 16));
  return low | high << 16;
#elif defined(__AVX2__)
  u32 mask = 0;
  for (u32 i = 0; i < kLanes; i += 8) {
    const __m256 part = _mm256_loadu_ps(reinterpret_cast<const float*>(words + i));
    mask |= static_cast<u32>(_mm256_movemask_ps(part)) << i;
  }
  return mask;
#elif defined(__SSE2__)
  u32 mask = 0;
  for (u32 i = 0; i < kLanes; i += 4) {
    const __m128 part = _mm_loadu_ps(reinterpret_cast<const float*>(words + i));
    mask |= static_cast<u32>(_mm_movemask_ps(part)) << i;
  }
  return mask;
#else
  u32 mask = 0;
  for (u32 i = 0; i < kLanes; ++i) mask |= static_cast<u32>(words[i] & 1) << i;
  return mask;
#endif
}

inline bool any_set(const void* bytes) {
#if defined(__AVX512F__)
  const __m512i all = _mm512_load_si512(bytes);
  return _mm512_test_epi32_mask(all, all) != 0;
#elif defined(__AVX2__)
  const auto* parts = static_cast<const __m256i*>(bytes);
  const __m256i all = _mm256_or_si256(_mm256_load_si256(parts), _mm256_load_si256(parts + 1));
  return _mm256_testz_si256(all, all) == 0;
#else
  const auto* parts = static_cast<const u64*>(bytes);
  u64 all = 0;
  for (u32 i = 0; i < 8; ++i) all |= parts[i];
  return all != 0;
#endif
}

/// Whether value(i) is 0 for all i below `count` lanes. Folded into one vector first, which is quicker to
/// test than to fold into one number.
template <u32 count, class F>
[[gnu::always_inline]] inline bool all_zero(F value) {
  using T = decltype(value(0));
  constexpr u32 kWidth = 64 / sizeof(T);
  alignas(64) T folded[kWidth];
  for (u32 i = 0; i < kWidth; ++i) folded[i] = value(i);
  for (u32 first = kWidth; first < count; first += kWidth) {
    for (u32 i = 0; i < kWidth; ++i) folded[i] |= value(first + i);
  }
  return !any_set(folded);
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
