// The rows of operations.def that give one lane of the result from one lane of each source.
#include "execution/vector/families.h"
#include "execution/vector/rows.h"

namespace vgpu::software::VGPU_VECTOR_PATH {
namespace {

// A handler is a struct with one function template; `result` is the row's expression.
#define UNARY(id, forms, D, A, ...)                                           \
  struct id {                                                                 \
    template <bool kMasked>                                                   \
    static const Instruction* run(const Instruction* in, Warp* warp) {        \
      [[maybe_unused]] const s64 immediate = in->immediate;                   \
      const A* row_a = row<const A>(warp, in->a);                             \
      for_lanes<kMasked>(warp, row<D>(warp, in->destination), [=](u32 lane) { \
        const A a = row_a[lane];                                              \
        return static_cast<D>(__VA_ARGS__);                                   \
      });                                                                     \
      return in + 1;                                                          \
    }                                                                         \
  };
#define BINARY(id, forms, D, A, B, ...)                                       \
  struct id {                                                                 \
    template <bool kMasked>                                                   \
    static const Instruction* run(const Instruction* in, Warp* warp) {        \
      const A* row_a = row<const A>(warp, in->a);                             \
      const B* row_b = row<const B>(warp, in->b);                             \
      for_lanes<kMasked>(warp, row<D>(warp, in->destination), [=](u32 lane) { \
        const A a = row_a[lane];                                              \
        const B b = row_b[lane];                                              \
        return static_cast<D>(__VA_ARGS__);                                   \
      });                                                                     \
      return in + 1;                                                          \
    }                                                                         \
  };
#define TERNARY(id, forms, D, A, B, C, ...)                                   \
  struct id {                                                                 \
    template <bool kMasked>                                                   \
    static const Instruction* run(const Instruction* in, Warp* warp) {        \
      [[maybe_unused]] const s64 immediate = in->immediate;                   \
      const A* row_a = row<const A>(warp, in->a);                             \
      const B* row_b = row<const B>(warp, in->b);                             \
      const C* row_c = row<const C>(warp, in->c);                             \
      for_lanes<kMasked>(warp, row<D>(warp, in->destination), [=](u32 lane) { \
        const A a = row_a[lane];                                              \
        const B b = row_b[lane];                                              \
        const C c = row_c[lane];                                              \
        return static_cast<D>(__VA_ARGS__);                                   \
      });                                                                     \
      return in + 1;                                                          \
    }                                                                         \
  };
#define QUATERNARY(id, forms, D, A, B, C, E, ...)                             \
  struct id {                                                                 \
    template <bool kMasked>                                                   \
    static const Instruction* run(const Instruction* in, Warp* warp) {        \
      const A* row_a = row<const A>(warp, in->a);                             \
      const B* row_b = row<const B>(warp, in->b);                             \
      const C* row_c = row<const C>(warp, in->c);                             \
      const E* row_d = row<const E>(warp, in->d);                             \
      for_lanes<kMasked>(warp, row<D>(warp, in->destination), [=](u32 lane) { \
        const A a = row_a[lane];                                              \
        const B b = row_b[lane];                                              \
        const C c = row_c[lane];                                              \
        const E d = row_d[lane];                                              \
        return static_cast<D>(__VA_ARGS__);                                   \
      });                                                                     \
      return in + 1;                                                          \
    }                                                                         \
  };
#define COMPARE(...)
#define PREDICATE(...)
#define CARRY(...)
#define ROUNDED(...)
#define CONVERT(...)
#define VECTOR(...)
#define CONTROL(...)
#include "execution/operations.def"

}  // namespace

void add_elementwise_handlers(Handler* full, Handler* masked) {
#define UNARY(id, ...)                                              \
  full[static_cast<u32>(Operation::id)] = &id::template run<false>; \
  masked[static_cast<u32>(Operation::id)] = &id::template run<true>;
#define BINARY UNARY
#define TERNARY UNARY
#define QUATERNARY UNARY
#define COMPARE(...)
#define PREDICATE(...)
#define CARRY(...)
#define ROUNDED(...)
#define CONVERT(...)
#define VECTOR(...)
#define CONTROL(...)
#include "execution/operations.def"
}

}  // namespace vgpu::software::VGPU_VECTOR_PATH
