// Integer arithmetic at its edges: wide products, bit fields, shifts by too much, division, saturation,
// conversions.
#include <cstdint>
#include <limits>
#include <vector>

#include "check.h"

struct Integers {
  std::int32_t quotient, remainder, high_product, minimum, absolute;
  std::uint32_t unsigned_quotient, unsigned_remainder, unsigned_high, population, leading, reversed, permuted,
      funnel;
  std::uint64_t wide_product, wide_quotient, wide_high;
  std::int64_t signed_wide_remainder;
  std::int32_t first_set, shifted_right, sad;
  std::uint32_t wide_population, wide_leading;
};

__global__ void compute(const std::uint32_t* a, const std::uint32_t* b, Integers* results, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const std::uint32_t x = a[i], y = b[i];
  const std::int32_t sx = static_cast<std::int32_t>(x), sy = static_cast<std::int32_t>(y);
  const std::uint64_t wide = static_cast<std::uint64_t>(x) << 32 | y;
  const std::uint64_t divisor = static_cast<std::uint64_t>(y) << 7 | 1;
  Integers r;
  r.quotient = sy == 0 || (sx == INT32_MIN && sy == -1) ? 0 : sx / sy;
  r.remainder = sy == 0 || (sx == INT32_MIN && sy == -1) ? 0 : sx % sy;
  r.unsigned_quotient = y == 0 ? 0 : x / y;
  r.unsigned_remainder = y == 0 ? 0 : x % y;
  r.high_product = __mulhi(sx, sy);
  r.unsigned_high = __umulhi(x, y);
  r.minimum = min(sx, sy);
  r.absolute = sx == INT32_MIN ? 0 : abs(sx);
  r.population = __popc(x);
  r.leading = __clz(sx);
  r.first_set = __ffs(sx);
  r.reversed = __brev(x);
  r.permuted = __byte_perm(x, y, 0x2604);
  r.funnel = __funnelshift_l(x, y, i % 32);
  r.wide_product = static_cast<std::uint64_t>(x) * y;
  r.wide_quotient = wide / divisor;
  r.wide_high = __umul64hi(wide, divisor);
  r.signed_wide_remainder = static_cast<std::int64_t>(wide) % static_cast<std::int64_t>(divisor | 0x10000);
  r.shifted_right = sx >> (y % 32);
  r.sad = __sad(sx / 4, sy / 4, 5);
  r.wide_population = __popcll(wide);
  r.wide_leading = __clzll(static_cast<long long>(wide));
  results[i] = r;
}

static std::uint32_t reverse_bits(std::uint32_t value) {
  std::uint32_t reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= (value >> bit & 1) << (31 - bit);
  return reversed;
}

static std::uint32_t byte_of(std::uint32_t x, std::uint32_t y, int index) {
  return (index < 4 ? x >> (8 * index) : y >> (8 * (index - 4))) & 0xff;
}

static void compare(int i, std::uint32_t x, std::uint32_t y, const Integers& r) {
  const std::int32_t sx = static_cast<std::int32_t>(x), sy = static_cast<std::int32_t>(y);
  const bool divides = sy != 0 && !(sx == INT32_MIN && sy == -1);
  const std::uint64_t wide = static_cast<std::uint64_t>(x) << 32 | y;
  const std::uint64_t divisor = static_cast<std::uint64_t>(y) << 7 | 1;
  const auto wide_high = static_cast<std::uint64_t>(static_cast<unsigned __int128>(wide) * divisor >> 64);
  const std::int64_t distance = std::int64_t{sx / 4} - sy / 4;
  const std::uint32_t permuted =
      byte_of(x, y, 4) | byte_of(x, y, 0) << 8 | byte_of(x, y, 6) << 16 | byte_of(x, y, 2) << 24;
  REQUIRE(r.quotient == (divides ? sx / sy : 0), "%d: %d / %d gave %d", i, sx, sy, r.quotient);
  REQUIRE(r.remainder == (divides ? sx % sy : 0), "%d: %d %% %d gave %d", i, sx, sy, r.remainder);
  REQUIRE(r.unsigned_quotient == (y == 0 ? 0 : x / y), "%d: %u / %u gave %u", i, x, y, r.unsigned_quotient);
  REQUIRE(r.unsigned_remainder == (y == 0 ? 0 : x % y), "%d: %u %% %u gave %u", i, x, y,
          r.unsigned_remainder);
  REQUIRE(r.high_product == static_cast<std::int32_t>(std::int64_t{sx} * sy >> 32), "%d: high product", i);
  REQUIRE(r.unsigned_high == static_cast<std::uint32_t>(std::uint64_t{x} * y >> 32),
          "%d: unsigned high product", i);
  REQUIRE(r.minimum == (sx < sy ? sx : sy), "%d: minimum", i);
  REQUIRE(r.absolute == (sx == INT32_MIN ? 0 : sx < 0 ? -sx : sx), "%d: absolute value", i);
  REQUIRE(r.population == static_cast<std::uint32_t>(__builtin_popcount(x)), "%d: population count", i);
  REQUIRE(r.leading == static_cast<std::uint32_t>(x == 0 ? 32 : __builtin_clz(x)), "%d: leading zeros", i);
  REQUIRE(r.first_set == __builtin_ffs(sx), "%d: first set bit", i);
  REQUIRE(r.reversed == reverse_bits(x), "%d: bit reversal", i);
  REQUIRE(r.permuted == permuted, "%d: byte permutation gave %x, expected %x", i, r.permuted, permuted);
  REQUIRE(r.funnel == static_cast<std::uint32_t>((static_cast<std::uint64_t>(y) << 32 | x) << (i % 32) >> 32),
          "%d: funnel shift", i);
  REQUIRE(r.wide_product == std::uint64_t{x} * y, "%d: wide product", i);
  REQUIRE(r.wide_quotient == wide / divisor, "%d: 64-bit quotient", i);
  REQUIRE(r.wide_high == wide_high, "%d: high half of the 128-bit product", i);
  REQUIRE(r.signed_wide_remainder ==
              static_cast<std::int64_t>(wide) % static_cast<std::int64_t>(divisor | 0x10000),
          "%d: signed 64-bit remainder", i);
  REQUIRE(r.shifted_right == sx >> (y % 32), "%d: arithmetic shift", i);
  REQUIRE(r.sad == static_cast<std::int32_t>((distance < 0 ? -distance : distance) + 5),
          "%d: sum of differences", i);
  REQUIRE(r.wide_population == static_cast<std::uint32_t>(__builtin_popcountll(wide)),
          "%d: 64-bit population", i);
  REQUIRE(r.wide_leading == static_cast<std::uint32_t>(wide == 0 ? 64 : __builtin_clzll(wide)),
          "%d: 64-bit clz", i);
}

/// What C leaves undefined and CUDA defines: shifts by the width or more, and conversions that saturate.
__global__ void saturate(const float* values, int* ints, unsigned* unsigneds, unsigned char* bytes,
                         unsigned* shifts, int count) {
  const int i = threadIdx.x;
  if (i >= count) return;
  ints[i] = __float2int_rz(values[i]);
  unsigneds[i] = __float2uint_rn(values[i]);
  bytes[i] = static_cast<unsigned char>(__float2int_rd(values[i]));
  unsigned shifted;
  asm("shl.b32 %0, %1, %2;" : "=r"(shifted) : "r"(0xffu), "r"(30u + i));
  shifts[i] = shifted;
}

static void test_integers() {
  const std::uint32_t edges[] = {0,     1,     2,          3,          7,          31,         32,        255,
                                 65535, 65536, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
  std::vector<std::uint32_t> a, b;
  for (const std::uint32_t x : edges) {
    for (const std::uint32_t y : edges) a.push_back(x), b.push_back(y);
  }
  for (std::uint32_t i = 0; i < 800; ++i)
    a.push_back(i * 2654435761u), b.push_back(i * 2246822519u >> i % 32);
  const int count = static_cast<int>(a.size());
  std::uint32_t *device_a = nullptr, *device_b = nullptr;
  Integers* device_results = nullptr;
  CHECK(cudaMalloc(&device_a, count * sizeof(std::uint32_t)));
  CHECK(cudaMalloc(&device_b, count * sizeof(std::uint32_t)));
  CHECK(cudaMalloc(&device_results, count * sizeof(Integers)));
  CHECK(cudaMemcpy(device_a, a.data(), count * sizeof(std::uint32_t), cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_b, b.data(), count * sizeof(std::uint32_t), cudaMemcpyHostToDevice));
  compute<<<(count + 127) / 128, 128>>>(device_a, device_b, device_results, count);
  CHECK(cudaGetLastError());
  std::vector<Integers> results(count);
  CHECK(cudaMemcpy(results.data(), device_results, count * sizeof(Integers), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_a));
  CHECK(cudaFree(device_b));
  CHECK(cudaFree(device_results));
  for (int i = 0; i < count; ++i) compare(i, a[i], b[i], results[i]);
}

static void test_saturation() {
  constexpr int kCount = 8;
  const float infinity = std::numeric_limits<float>::infinity();
  const float values[kCount] = {1.5f, -2.5f, 3e9f, -3e9f, 6e9f, infinity, -infinity, 255.9f};
  const int ints[kCount] = {1, -2, INT32_MAX, INT32_MIN, INT32_MAX, INT32_MAX, INT32_MIN, 255};
  const unsigned unsigneds[kCount] = {2, 0, 3000000000u, 0, UINT32_MAX, UINT32_MAX, 0, 256};
  const unsigned char bytes[kCount] = {1, 253, 255, 0, 255, 255, 0, 255};
  const unsigned shifts[kCount] = {0xc0000000u, 0x80000000u, 0, 0, 0, 0, 0, 0};
  float* device_values = nullptr;
  int* device_ints = nullptr;
  unsigned *device_unsigneds = nullptr, *device_shifts = nullptr;
  unsigned char* device_bytes = nullptr;
  CHECK(cudaMalloc(&device_values, sizeof values));
  CHECK(cudaMalloc(&device_ints, sizeof ints));
  CHECK(cudaMalloc(&device_unsigneds, sizeof unsigneds));
  CHECK(cudaMalloc(&device_bytes, sizeof bytes));
  CHECK(cudaMalloc(&device_shifts, sizeof shifts));
  CHECK(cudaMemcpy(device_values, values, sizeof values, cudaMemcpyHostToDevice));
  saturate<<<1, 32>>>(device_values, device_ints, device_unsigneds, device_bytes, device_shifts, kCount);
  CHECK(cudaGetLastError());
  int got_ints[kCount];
  unsigned got_unsigneds[kCount], got_shifts[kCount];
  unsigned char got_bytes[kCount];
  CHECK(cudaMemcpy(got_ints, device_ints, sizeof ints, cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(got_unsigneds, device_unsigneds, sizeof unsigneds, cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(got_bytes, device_bytes, sizeof bytes, cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(got_shifts, device_shifts, sizeof shifts, cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_values));
  CHECK(cudaFree(device_ints));
  CHECK(cudaFree(device_unsigneds));
  CHECK(cudaFree(device_bytes));
  CHECK(cudaFree(device_shifts));
  for (int i = 0; i < kCount; ++i) {
    REQUIRE(got_ints[i] == ints[i], "%g becomes the int %d, expected %d", values[i], got_ints[i], ints[i]);
    REQUIRE(got_unsigneds[i] == unsigneds[i], "%g becomes the unsigned %u", values[i], got_unsigneds[i]);
    REQUIRE(got_bytes[i] == bytes[i], "%g becomes the byte %u, expected %u", values[i], got_bytes[i],
            bytes[i]);
    REQUIRE(got_shifts[i] == shifts[i], "0xff << %d is %x, expected %x", 30 + i, got_shifts[i], shifts[i]);
  }
}

int main() {
  test_integers();
  test_saturation();
  return passed("integer operations at their edges");
}
