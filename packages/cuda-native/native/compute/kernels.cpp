// Compiled once for each vector path. Nothing of the standard library but types: its functions would be
// compiled for the path's processor too, and the linker could take those for the rest of the program.
#include "compute/kernels.h"

// Before a loop of which no iteration depends on another, though the compiler cannot see it.
#ifdef __clang__
#define VGPU_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")
#else
#define VGPU_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#endif

namespace vgpu::compute::VGPU_VECTOR_PATH {
namespace {

constexpr std::size_t kVectorBytes = 64;

template <typename T>
struct VectorOf {
  static constexpr std::size_t lanes = kVectorBytes / sizeof(T);
  // Elements of a typed array, which other types may alias and which need no more alignment than their own.
  typedef T type __attribute__((vector_size(kVectorBytes), may_alias, aligned(sizeof(T))));
};
template <typename T>
using Vector = typename VectorOf<T>::type;

template <typename T>
const Vector<T>& load(const T* x) {
  return *reinterpret_cast<const Vector<T>*>(x);
}

// Eight lanes of 8 bytes, and as many elements of any size.
typedef double Doubles __attribute__((vector_size(64)));
template <typename T>
struct EightOf {
  typedef T type __attribute__((vector_size(8 * sizeof(T)), may_alias, aligned(sizeof(T))));
};
template <typename T>
using Eight = typename EightOf<T>::type;

constexpr std::size_t kPartialSums = 4;

double total(const Doubles (&sums)[kPartialSums]) {
  const Doubles sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

template <typename T>
Doubles widen(const T* x) {
  return __builtin_convertvector(*reinterpret_cast<const Eight<T>*>(x), Doubles);
}

/** 32 partial sums in double. */
template <typename T>
double floatSum(const T* x, std::size_t count) {
  Doubles sums[kPartialSums] = {};
  std::size_t i = 0;
  for (; i + 8 * kPartialSums <= count; i += 8 * kPartialSums) {
    for (std::size_t j = 0; j < kPartialSums; ++j) sums[j] += widen(x + i + 8 * j);
  }
  for (std::size_t lane = 0; i < count; ++i, ++lane) sums[lane / 8][lane % 8] += static_cast<double>(x[i]);
  return total(sums);
}

template <typename T>
double floatDot(const T* x, const T* y, std::size_t count) {
  Doubles sums[kPartialSums] = {};
  std::size_t i = 0;
  for (; i + 8 * kPartialSums <= count; i += 8 * kPartialSums) {
    for (std::size_t j = 0; j < kPartialSums; ++j) sums[j] += widen(x + i + 8 * j) * widen(y + i + 8 * j);
  }
  for (std::size_t lane = 0; i < count; ++i, ++lane) {
    sums[lane / 8][lane % 8] += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  }
  return total(sums);
}

template <typename T>
double floatSquaredDistance(const T* x, const T* y, std::size_t count) {
  Doubles sums[kPartialSums] = {};
  std::size_t i = 0;
  for (; i + 8 * kPartialSums <= count; i += 8 * kPartialSums) {
    for (std::size_t j = 0; j < kPartialSums; ++j) {
      const Doubles difference = widen(x + i + 8 * j) - widen(y + i + 8 * j);
      sums[j] += difference * difference;
    }
  }
  for (std::size_t lane = 0; i < count; ++i, ++lane) {
    const double difference = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    sums[lane / 8][lane % 8] += difference * difference;
  }
  return total(sums);
}

/** 64-bit sums of so many 32-bit numbers cannot overflow. */
constexpr std::size_t kExactSums = std::size_t{1} << 30;

template <typename T>
Wide integerSum(const T* x, std::size_t count) {
  if constexpr (sizeof(T) == 8) {
    Wide sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += x[i];
    return sum;
  } else {
    using Long = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    Wide sum = 0;
    for (std::size_t first = 0; first < count; first += kExactSums) {
      const std::size_t last = count - first < kExactSums ? count : first + kExactSums;
      Long part = 0;
      for (std::size_t i = first; i < last; ++i) part += x[i];
      sum += part;
    }
    return sum;
  }
}

template <typename T>
Wide integerDot(const T* x, const T* y, std::size_t count) {
  using Long = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  Wide sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += Long{x[i]} * Long{y[i]};
  return sum;
}

template <typename T>
Sum<T> sum(const T* x, std::size_t count) {
  if constexpr (std::is_floating_point_v<T>) {
    return floatSum(x, count);
  } else {
    return integerSum(x, count);
  }
}

template <typename T>
Sum<T> dot(const T* x, const T* y, std::size_t count) {
  if constexpr (std::is_floating_point_v<T>) {
    return floatDot(x, y, count);
  } else {
    return integerDot(x, y, count);
  }
}

/** An integer type in which the bits of T can be compared, and its limits. */
template <typename T>
struct Ordered {
  using Key = T;
  static constexpr Key magnitude =
      static_cast<Key>(std::is_signed_v<T> ? ~(T{1} << (8 * sizeof(T) - 1)) : ~T{0});
};
template <>
struct Ordered<float> {
  using Key = std::int32_t;
  static constexpr Key magnitude = 0x7fffffff;
  static constexpr Key infinity = 0x7f800000;
};
template <>
struct Ordered<double> {
  using Key = std::int64_t;
  static constexpr Key magnitude = 0x7fffffffffffffff;
  static constexpr Key infinity = 0x7ff0000000000000;
};

/** From a number to its key and back: negative floats have their bits below the sign turned round. */
template <typename T, typename Keys>
Keys flip(Keys bits) {
  if constexpr (std::is_floating_point_v<T>) {
    return bits ^ ((bits >> (8 * sizeof(T) - 1)) & Ordered<T>::magnitude);
  } else {
    return bits;
  }
}

template <typename T>
Extremes<T> extremes(const T* x, std::size_t count) {
  using Key = typename Ordered<T>::Key;
  using Keys = Vector<Key>;
  constexpr std::size_t lanes = VectorOf<Key>::lanes;
  constexpr Key most = Ordered<T>::magnitude;
  constexpr Key fewest = static_cast<Key>(~most);
  const auto* bits = reinterpret_cast<const Key __attribute__((may_alias))*>(x);
  Keys least = Keys{} + most;
  Keys greatest = Keys{} + fewest;
  Keys unordered = {};
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const Keys loaded = *reinterpret_cast<const Keys*>(bits + i);
    const Keys keys = flip<T>(loaded);
    least = keys < least ? keys : least;
    greatest = keys > greatest ? keys : greatest;
    if constexpr (std::is_floating_point_v<T>) unordered |= (loaded & most) > Ordered<T>::infinity;
  }
  Key low = most;
  Key high = fewest;
  bool nan = false;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    low = least[lane] < low ? least[lane] : low;
    high = greatest[lane] > high ? greatest[lane] : high;
    nan |= unordered[lane] != 0;
  }
  for (; i < count; ++i) {
    const Key key = flip<T>(bits[i]);
    low = key < low ? key : low;
    high = key > high ? key : high;
    if constexpr (std::is_floating_point_v<T>) nan |= (bits[i] & most) > Ordered<T>::infinity;
  }
  return {__builtin_bit_cast(T, flip<T>(low)), __builtin_bit_cast(T, flip<T>(high)), nan};
}

/** The type to compute in so that integers wrap around. */
template <typename T>
struct Wrapping {
  using type = T;
};
template <>
struct Wrapping<std::int32_t> {
  using type = std::uint32_t;
};
template <>
struct Wrapping<std::int64_t> {
  using type = std::uint64_t;
};
template <typename T>
using Wrap = typename Wrapping<T>::type;

// Each element is read before it is written, so that `out` may be an input: no iteration depends on another.
template <typename T>
void add(const T* x, const T* y, T* out, std::size_t count) {
  VGPU_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<T>(Wrap<T>(x[i]) + Wrap<T>(y[i]));
}

template <typename T>
void sub(const T* x, const T* y, T* out, std::size_t count) {
  VGPU_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<T>(Wrap<T>(x[i]) - Wrap<T>(y[i]));
}

template <typename T>
void mul(const T* x, const T* y, T* out, std::size_t count) {
  VGPU_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<T>(Wrap<T>(x[i]) * Wrap<T>(y[i]));
}

template <typename T>
void div(const T* x, const T* y, T* out, std::size_t count) {
  if constexpr (std::is_signed_v<T> && !std::is_floating_point_v<T>) {
    // The least number divided by -1 wraps around, where the processor would trap.
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = y[i] == -1 ? static_cast<T>(Wrap<T>(0) - Wrap<T>(x[i])) : x[i] / y[i];
    }
  } else {
    VGPU_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < count; ++i) out[i] = x[i] / y[i];
  }
}

template <typename T>
void scale(const T* x, T factor, T* out, std::size_t count) {
  VGPU_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<T>(Wrap<T>(x[i]) * Wrap<T>(factor));
}

template <typename T>
void axpy(T alpha, const T* x, const T* y, T* out, std::size_t count) {
  VGPU_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = static_cast<T>(Wrap<T>(alpha) * Wrap<T>(x[i]) + Wrap<T>(y[i]));
  }
}

/** The nearest integer towards 0 that there is. */
template <typename To, typename From>
To toInteger(From value) {
  constexpr To most = Ordered<To>::magnitude;
  constexpr To fewest = static_cast<To>(~most);
  constexpr From low = static_cast<From>(fewest);
  // The greatest integer is not a float, but one more is.
  constexpr To half = most / 2 + 1;
  constexpr From high = static_cast<From>(half) * 2;
  if (!(value > low)) return value == value ? fewest : To{0};
  if (value >= high) return most;
  return static_cast<To>(value);
}

template <typename From, typename To>
void cast(const From* x, void* out, std::size_t count) {
  auto* to = static_cast<To*>(out);
  VGPU_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (std::is_floating_point_v<From> && !std::is_floating_point_v<To>) {
      to[i] = toInteger<To>(x[i]);
    } else {
      to[i] = static_cast<To>(x[i]);
    }
  }
}

template <typename T>
Kernels<T> make() {
  Kernels<T> made{.sum = sum<T>,
                  .extremes = extremes<T>,
                  .dot = nullptr,
                  .squaredDistance = nullptr,
                  .add = add<T>,
                  .sub = sub<T>,
                  .mul = mul<T>,
                  .div = div<T>,
                  .scale = scale<T>,
                  .axpy = axpy<T>,
                  .cast = {cast<T, float>, cast<T, double>, cast<T, std::int32_t>, cast<T, std::uint32_t>,
                           cast<T, std::int64_t>, cast<T, std::uint64_t>}};
  if constexpr (std::is_floating_point_v<T> || sizeof(T) == 4) made.dot = dot<T>;
  if constexpr (std::is_floating_point_v<T>) made.squaredDistance = floatSquaredDistance<T>;
  return made;
}

}  // namespace

KernelTable kernelTable() {
  return {make<float>(),         make<double>(),       make<std::int32_t>(),
          make<std::uint32_t>(), make<std::int64_t>(), make<std::uint64_t>()};
}

}  // namespace vgpu::compute::VGPU_VECTOR_PATH
