// The mathematical functions of f32 and f64 against the host's, which are computed in a wider type.
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <vector>

#include "check.h"

enum Function {
  kSqrt,
  kDivide,
  kReciprocal,
  kRsqrt,
  kExp,
  kLog,
  kSin,
  kCos,
  kTanh,
  kPower,
  kFloor,
  kRemainder,
  kFunctions
};

/// The largest error in units in the last place that the CUDA Programming Guide ("Mathematical Functions")
/// allows; 0 means correctly rounded. The host adds half a unit when it rounds its wider result.
struct Bound {
  const char* name;
  double f32, f64;
};
static const Bound kBounds[kFunctions] = {
    {"sqrt", 0, 0}, {"divide", 0, 0}, {"reciprocal", 0, 0}, {"rsqrt", 2, 1}, {"exp", 2, 1},   {"log", 1, 1},
    {"sin", 2, 2},  {"cos", 2, 2},    {"tanh", 2, 2},       {"pow", 8, 2},   {"floor", 0, 0}, {"fmod", 0, 0},
};

template <typename T>
__global__ void evaluate(const T* x, const T* y, T* results, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  T* row = results + static_cast<std::size_t>(i) * kFunctions;
  const T positive = fabs(x[i]);
  row[kSqrt] = sqrt(positive);
  row[kDivide] = x[i] / y[i];
  row[kReciprocal] = T(1) / x[i];
  row[kRsqrt] = rsqrt(positive);
  row[kExp] = exp(x[i] / T(16));
  row[kLog] = log(positive);
  row[kSin] = sin(x[i]);
  row[kCos] = cos(x[i]);
  row[kTanh] = tanh(x[i]);
  row[kPower] = pow(positive, y[i]);
  row[kFloor] = floor(x[i]);
  row[kRemainder] = fmod(x[i], y[i]);
}

template <typename Wide, typename T>
static Wide expected_of(int function, T x, T y) {
  const Wide wx = x, wy = y, positive = std::fabs(wx);
  switch (function) {
    // Correctly rounded operations are compared in T itself: rounding a wider result once more could differ.
    case kSqrt:
      return std::sqrt(std::fabs(x));
    case kDivide:
      return x / y;
    case kReciprocal:
      return T(1) / x;
    case kRsqrt:
      return 1 / std::sqrt(positive);
    case kExp:
      return std::exp(static_cast<Wide>(x / T(16)));
    case kLog:
      return std::log(positive);
    case kSin:
      return std::sin(wx);
    case kCos:
      return std::cos(wx);
    case kTanh:
      return std::tanh(wx);
    case kPower:
      return std::pow(positive, wy);
    case kFloor:
      return std::floor(wx);
    default:
      return std::fmod(wx, wy);
  }
}

/// Distance of `got` from the exact value in units in the last place of T at that value.
template <typename T, typename Wide>
static double error_in_ulps(T got, Wide exact) {
  const T rounded = static_cast<T>(exact);
  if (std::isnan(got) && std::isnan(rounded)) return 0;
  if (got == rounded) return 0;
  if (!std::isfinite(got) || !std::isfinite(rounded)) return HUGE_VAL;
  const T magnitude = std::fabs(rounded);
  const Wide unit = static_cast<Wide>(std::nextafter(magnitude, static_cast<T>(INFINITY))) - magnitude;
  return static_cast<double>(std::fabs(static_cast<Wide>(got) - exact) / unit);
}

template <typename T, typename Wide>
static void test(const char* type, double Bound::*limit) {
  std::vector<T> x, y;
  for (int i = 0; i < 300; ++i) {
    x.push_back(static_cast<T>((i - 150) * 0.37 + 0.01));
    y.push_back(static_cast<T>(0.25 + i % 23 * 0.5));
  }
  // Large arguments take the long way through the reduction by pi, with a table of the digits of 2/pi.
  for (const double edge : {1e5, -3.7e6, 1.0e9, -123456789.0, 0.0, 1e-6, -1e-30, 700.0, -700.0}) {
    x.push_back(static_cast<T>(edge));
    y.push_back(static_cast<T>(1.5));
  }
  const int count = static_cast<int>(x.size());
  T *device_x = nullptr, *device_y = nullptr, *device_results = nullptr;
  std::vector<T> results(static_cast<std::size_t>(count) * kFunctions);
  CHECK(cudaMalloc(&device_x, count * sizeof(T)));
  CHECK(cudaMalloc(&device_y, count * sizeof(T)));
  CHECK(cudaMalloc(&device_results, results.size() * sizeof(T)));
  CHECK(cudaMemcpy(device_x, x.data(), count * sizeof(T), cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_y, y.data(), count * sizeof(T), cudaMemcpyHostToDevice));
  evaluate<<<(count + 63) / 64, 64>>>(device_x, device_y, device_results, count);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(results.data(), device_results, results.size() * sizeof(T), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_x));
  CHECK(cudaFree(device_y));
  CHECK(cudaFree(device_results));
  for (int i = 0; i < count; ++i) {
    for (int function = 0; function < kFunctions; ++function) {
      const T got = results[static_cast<std::size_t>(i) * kFunctions + function];
      const Wide expected = expected_of<Wide>(function, x[i], y[i]);
      const double bound = kBounds[function].*limit;
      const double error = error_in_ulps(got, expected);
      REQUIRE(bound == 0 ? got == static_cast<T>(expected) || error == 0 : error <= bound + 0.5,
              "%s %s(%.9g, %.9g) is %.17g, expected %.17g: %.2f units off, %.0f allowed", type,
              kBounds[function].name, static_cast<double>(x[i]), static_cast<double>(y[i]),
              static_cast<double>(got), static_cast<double>(expected), error, bound);
    }
  }
}

int main() {
  test<float, double>("f32", &Bound::f32);
  test<double, long double>("f64", &Bound::f64);
  return passed("mathematical functions of f32 and f64");
}
