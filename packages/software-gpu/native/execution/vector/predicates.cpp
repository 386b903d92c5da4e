// Operations that make or read predicates: comparison, logic, selection, and the carry flag.
#include "execution/vector/families.h"
#include "execution/vector/rows.h"

namespace vgpu::software::VGPU_VECTOR_PATH {
namespace {

u32 combine(const Instruction* in, const Warp* warp, u32 compared) {
  const u32 other = predicate(warp, in->c) ^ ((in->flags & kNegated) != 0 ? kAllLanes : 0);
  switch (in->flags & compare_flag::combine_mask) {
    case compare_flag::combine_and:
      return compared & other;
    case compare_flag::combine_or:
      return compared | other;
    case compare_flag::combine_xor:
      return compared ^ other;
    default:
      return compared;
  }
}

template <bool kMasked>
const Instruction* finish_comparison(const Instruction* in, Warp* warp, u32 compared) {
  if (in->flags == 0) {
    set_predicate<kMasked>(warp, in->destination, compared);
    return in + 1;
  }
  // Both results first: `c` may be one of the destinations.
  const u32 first = combine(in, warp, compared);
  const u32 second = combine(in, warp, ~compared);
  set_predicate<kMasked>(warp, in->destination, first);
  if ((in->flags & compare_flag::second_destination) != 0) set_predicate<kMasked>(warp, in->d, second);
  return in + 1;
}

template <class T>
struct Select {
  template <bool kMasked>
  static const Instruction* run(const Instruction* in, Warp* warp) {
    s32 chosen[kLanes];
    words_of(predicate(warp, in->c), chosen);
    const T* a = row<const T>(warp, in->a);
    const T* b = row<const T>(warp, in->b);
    for_lanes<kMasked>(warp, row<T>(warp, in->destination),
                       [&](u32 lane) { return chosen[lane] != 0 ? a[lane] : b[lane]; });
    return in + 1;
  }
};
using selp_16 = Select<u16>;
using selp_32 = Select<u32>;
using selp_64 = Select<u64>;

template <class T>
struct Wide;
template <>
struct Wide<u32> {
  using type = u64;
};
template <>
struct Wide<u64> {
  using type = u128;
};

#define UNARY(...)
#define BINARY(...)
#define TERNARY(...)
#define QUATERNARY(...)
#define COMPARE(id, forms, T, sources, ...)                              \
  struct id {                                                            \
    template <bool kMasked>                                              \
    static const Instruction* run(const Instruction* in, Warp* warp) {   \
      const T* row_a = row<const T>(warp, in->a);                        \
      const T* row_b = row<const T>(warp, sources == 2 ? in->b : in->a); \
      s32 words[kLanes];                                                 \
      for (u32 lane = 0; lane < kLanes; ++lane) {                        \
        const T a = row_a[lane];                                         \
        [[maybe_unused]] const T b = row_b[lane];                        \
        words[lane] = (__VA_ARGS__) ? -1 : 0;                            \
      }                                                                  \
      return finish_comparison<kMasked>(in, warp, mask_of(words));       \
    }                                                                    \
  };
#define PREDICATE(id, forms, sources, ...)                             \
  struct id {                                                          \
    template <bool kMasked>                                            \
    static const Instruction* run(const Instruction* in, Warp* warp) { \
      const u32 a = predicate(warp, in->a);                            \
      [[maybe_unused]] const u32 b = predicate(warp, in->b);           \
      set_predicate<kMasked>(warp, in->destination, (__VA_ARGS__));    \
      return in + 1;                                                   \
    }                                                                  \
  };
#define CARRY(id, forms, T, sources, reads, writes, ...)                                   \
  struct id {                                                                              \
    template <bool kMasked>                                                                \
    static const Instruction* run(const Instruction* in, Warp* warp) {                     \
      const T* row_a = row<const T>(warp, in->a);                                          \
      const T* row_b = row<const T>(warp, in->b);                                          \
      const T* row_c = row<const T>(warp, sources == 3 ? in->c : in->b);                   \
      s32 carries[kLanes] = {};                                                            \
      if (reads != 0) words_of(predicate(warp, in->d), carries);                           \
      s32 carries_out[kLanes];                                                             \
      for_lanes<kMasked>(warp, row<T>(warp, in->destination), [&](u32 lane) {              \
        const T a = row_a[lane];                                                           \
        const T b = row_b[lane];                                                           \
        [[maybe_unused]] const T c = row_c[lane];                                          \
        [[maybe_unused]] const T carry = carries[lane] != 0 ? 1 : 0;                       \
        const Wide<T>::type wide = (__VA_ARGS__);                                          \
        carries_out[lane] = (static_cast<u32>(wide >> (8 * sizeof(T))) & 1) != 0 ? -1 : 0; \
        return static_cast<T>(wide);                                                       \
      });                                                                                  \
      if (writes != 0) set_predicate<kMasked>(warp, in->d, mask_of(carries_out));          \
      return in + 1;                                                                       \
    }                                                                                      \
  };
#define ROUNDED(...)
#define CONVERT(...)
#define VECTOR(...)
#define CONTROL(...)
#include "execution/operations.def"

}  // namespace

void add_predicate_handlers(Handler* full, Handler* masked) {
#define COMPARE(id, ...)                                            \
  full[static_cast<u32>(Operation::id)] = &id::template run<false>; \
  masked[static_cast<u32>(Operation::id)] = &id::template run<true>;
#define PREDICATE COMPARE
#define CARRY COMPARE
#define UNARY(...)
#define BINARY(...)
#define TERNARY(...)
#define QUATERNARY(...)
#define ROUNDED(...)
#define CONVERT(...)
#define VECTOR(...)
#define CONTROL(...)
  COMPARE(selp_16)
  COMPARE(selp_32)
  COMPARE(selp_64)
#include "execution/operations.def"
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
