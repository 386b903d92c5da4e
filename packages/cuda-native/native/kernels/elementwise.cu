// Operations on each element by itself. The steps of each are rounded as the CPU path rounds them: no product
// is fused with a sum.
#include <cuda_fp16.h>

#include "common.cuh"

namespace vgpu::kernels {
namespace {

/** The type to compute in so that integers wrap around. */
template <typename T>
struct Wrapping {
  using type = T;
};
template <>
struct Wrapping<i32> {
  using type = u32;
};
template <>
struct Wrapping<i64> {
  using type = u64;
};

template <typename T>
__device__ T addOf(T x, T y) {
  using W = typename Wrapping<T>::type;
  return static_cast<T>(static_cast<W>(x) + static_cast<W>(y));
}
template <>
__device__ f32 addOf(f32 x, f32 y) {
  return __fadd_rn(x, y);
}
template <>
__device__ f64 addOf(f64 x, f64 y) {
  return __dadd_rn(x, y);
}

template <typename T>
__device__ T subOf(T x, T y) {
  using W = typename Wrapping<T>::type;
  return static_cast<T>(static_cast<W>(x) - static_cast<W>(y));
}

template <typename T>
__device__ T mulOf(T x, T y) {
  using W = typename Wrapping<T>::type;
  return static_cast<T>(static_cast<W>(x) * static_cast<W>(y));
}
template <>
__device__ f32 mulOf(f32 x, f32 y) {
  return __fmul_rn(x, y);
}
template <>
__device__ f64 mulOf(f64 x, f64 y) {
  return __dmul_rn(x, y);
}

/** The caller has looked for divisors that are the integer 0. The least number divided by -1 wraps around. */
template <typename T>
__device__ T divOf(T x, T y) {
  if constexpr (static_cast<T>(-1) < T{0} && static_cast<T>(0.5) == T{0}) {
    if (y == T{-1}) return subOf(T{0}, x);
  }
  return x / y;
}

/** Of an integer type. */
template <typename T>
constexpr T greatest = static_cast<T>(-1) < T{0} ? static_cast<T>((u64{1} << (8 * sizeof(T) - 1)) - 1)
                                                 : static_cast<T>(-1);

/** Floats become the nearest integer towards 0 that there is, NaN becomes 0. */
template <typename To, typename From>
__device__ To convert(From value) {
  if constexpr (static_cast<From>(0.5) != From{0} && static_cast<To>(0.5) == To{0}) {
    constexpr To most = greatest<To>;
    constexpr To fewest = static_cast<To>(~most);
    // The greatest integer is not a float, but one more is.
    constexpr From high = static_cast<From>(most / 2 + 1) * 2;
    if (!(value > static_cast<From>(fewest))) return value == value ? fewest : To{0};
    return value >= high ? most : static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

#define BINARY(OPERATION, T)                                                                            \
  extern "C" __global__ void OPERATION##_##T(const T* x, const T* y, T* out, u64 count, u64 capacity) { \
    const u64 n = bounded(count, capacity);                                                             \
    for (u64 i = firstIndex(); i < n; i += indexStep()) out[i] = OPERATION##Of(x[i], y[i]);             \
  }

#define OPERATIONS(T)                                                                                     \
  BINARY(add, T)                                                                                          \
  BINARY(sub, T)                                                                                          \
  BINARY(mul, T)                                                                                          \
  BINARY(div, T)                                                                                          \
  extern "C" __global__ void scale_##T(const T* x, T factor, T* out, u64 count, u64 capacity) {           \
    const u64 n = bounded(count, capacity);                                                               \
    for (u64 i = firstIndex(); i < n; i += indexStep()) out[i] = mulOf(x[i], factor);                     \
  }                                                                                                       \
  extern "C" __global__ void axpy_##T(T alpha, const T* x, const T* y, T* out, u64 count, u64 capacity) { \
    const u64 n = bounded(count, capacity);                                                               \
    for (u64 i = firstIndex(); i < n; i += indexStep()) out[i] = addOf(mulOf(alpha, x[i]), y[i]);         \
  }

VGPU_FOR_TYPES(OPERATIONS)

#define FILL(T)                                                                   \
  extern "C" __global__ void fill_##T(T value, T* out, u64 count, u64 capacity) { \
    const u64 n = bounded(count, capacity);                                       \
    for (u64 i = firstIndex(); i < n; i += indexStep()) out[i] = value;           \
  }
// Of so many bits; what they mean makes no difference.
FILL(u32)
FILL(u64)

#define CAST(From, To)                                                                             \
  extern "C" __global__ void cast_##From##_##To(const From* x, To* out, u64 count, u64 capacity) { \
    const u64 n = bounded(count, capacity);                                                        \
    for (u64 i = firstIndex(); i < n; i += indexStep()) out[i] = convert<To>(x[i]);                \
  }
#define CASTS(From) \
  CAST(From, f32) CAST(From, f64) CAST(From, i32) CAST(From, u32) CAST(From, i64) CAST(From, u64)
VGPU_FOR_TYPES(CASTS)

// f16 is for storage: each number by way of double, which holds all of them but for integers far beyond f16's
// range.
#define HALF(T)                                                                                         \
  extern "C" __global__ void to_half_##T(const T* x, __half* out, u64 count, u64 capacity) {            \
    const u64 n = bounded(count, capacity);                                                             \
    for (u64 i = firstIndex(); i < n; i += indexStep()) out[i] = __double2half(static_cast<f64>(x[i])); \
  }                                                                                                     \
  extern "C" __global__ void from_half_##T(const __half* x, T* out, u64 count, u64 capacity) {          \
    const u64 n = bounded(count, capacity);                                                             \
    for (u64 i = firstIndex(); i < n; i += indexStep()) out[i] = convert<T>(__half2float(x[i]));        \
  }
VGPU_FOR_TYPES(HALF)
