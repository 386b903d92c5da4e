// A histogram of bytes with atomics in shared and in global memory, and every other atomic operation once.
#include <algorithm>
#include <vector>

#include "check.h"

constexpr int kBins = 256;

__global__ void count_bytes(const unsigned char* bytes, int count, unsigned* histogram) {
  __shared__ unsigned local[kBins];
  for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) local[bin] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    atomicAdd(&local[bytes[i]], 1u);
  }
  __syncthreads();
  for (int bin = threadIdx.x; bin < kBins; bin += blockDim.x) {
    if (local[bin] != 0) atomicAdd(&histogram[bin], local[bin]);
  }
}

struct Totals {
  int minimum, maximum, exchanged_sum;
  unsigned bits_and, bits_or, bits_xor, wrapping_up, wrapping_down, tickets;
  unsigned long long wide_sum, wide_maximum;
  float float_sum;
  double double_sum, looped_sum;
};

/// `last_seen` is a mailbox: every thread leaves its number and adds up the one that it found.
__global__ void every_atomic(const int* values, int count, Totals* totals, int* last_seen, unsigned* order) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const int value = values[i];
  atomicMin(&totals->minimum, value);
  atomicMax(&totals->maximum, value);
  atomicAnd(&totals->bits_and, ~static_cast<unsigned>(value & 0xff));
  atomicOr(&totals->bits_or, static_cast<unsigned>(value & 0xff00));
  atomicXor(&totals->bits_xor, static_cast<unsigned>(value));
  atomicInc(&totals->wrapping_up, 6u);    // counts 0 … 6 and starts again
  atomicDec(&totals->wrapping_down, 9u);  // counts down from 9 and starts again
  atomicAdd(&totals->wide_sum, static_cast<unsigned long long>(value) << 32);
  atomicMax(&totals->wide_maximum, static_cast<unsigned long long>(value) << 20);
  atomicAdd(&totals->float_sum, static_cast<float>(value % 16));
  atomicAdd(&totals->double_sum, static_cast<double>(value));
  order[i] = atomicAdd(&totals->tickets, 1u);
  atomicAdd(&totals->exchanged_sum, atomicExch(last_seen, i));

  // The classical loop around compare-and-swap. Whole numbers, so that every order gives the same bits.
  auto* bits = reinterpret_cast<unsigned long long*>(&totals->looped_sum);
  unsigned long long seen = *bits, assumed;
  do {
    assumed = seen;
    const double next = __longlong_as_double(static_cast<long long>(assumed)) + value;
    seen = atomicCAS(bits, assumed, static_cast<unsigned long long>(__double_as_longlong(next)));
  } while (assumed != seen);
}

static void test_histogram() {
  constexpr int kCount = 50021;
  std::vector<unsigned char> bytes(kCount);
  for (int i = 0; i < kCount; ++i)
    bytes[i] = static_cast<unsigned char>((i * 2654435761u >> 21) % 3 * (i % 83));
  unsigned char* device_bytes = nullptr;
  unsigned* device_histogram = nullptr;
  CHECK(cudaMalloc(&device_bytes, kCount));
  CHECK(cudaMalloc(&device_histogram, kBins * sizeof(unsigned)));
  CHECK(cudaMemset(device_histogram, 0, kBins * sizeof(unsigned)));
  CHECK(cudaMemcpy(device_bytes, bytes.data(), kCount, cudaMemcpyHostToDevice));
  count_bytes<<<7, 160>>>(device_bytes, kCount, device_histogram);
  CHECK(cudaGetLastError());
  std::vector<unsigned> histogram(kBins), expected(kBins, 0);
  CHECK(cudaMemcpy(histogram.data(), device_histogram, kBins * sizeof(unsigned), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_bytes));
  CHECK(cudaFree(device_histogram));
  for (const unsigned char byte : bytes) ++expected[byte];
  for (int bin = 0; bin < kBins; ++bin) {
    REQUIRE(histogram[bin] == expected[bin], "bin %d holds %u, expected %u", bin, histogram[bin],
            expected[bin]);
  }
}

static void test_every_atomic() {
  constexpr int kCount = 4100;
  std::vector<int> values(kCount);
  for (int i = 0; i < kCount; ++i) values[i] = static_cast<int>(i * 40503u % 65521u) + 5;
  Totals totals{};
  totals.minimum = 1 << 30;
  totals.bits_and = 0xffffffffu;
  totals.wrapping_down = 9;
  constexpr int kMailbox = 12345;

  int *device_values = nullptr, *device_mailbox = nullptr;
  unsigned* device_order = nullptr;
  Totals* device_totals = nullptr;
  CHECK(cudaMalloc(&device_values, kCount * sizeof(int)));
  CHECK(cudaMalloc(&device_mailbox, sizeof(int)));
  CHECK(cudaMalloc(&device_order, kCount * sizeof(unsigned)));
  CHECK(cudaMalloc(&device_totals, sizeof totals));
  CHECK(cudaMemcpy(device_values, values.data(), kCount * sizeof(int), cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_mailbox, &kMailbox, sizeof kMailbox, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_totals, &totals, sizeof totals, cudaMemcpyHostToDevice));
  every_atomic<<<(kCount + 255) / 256, 256>>>(device_values, kCount, device_totals, device_mailbox,
                                              device_order);
  CHECK(cudaGetLastError());
  std::vector<unsigned> order(kCount);
  int mailbox = 0;
  Totals got{};
  CHECK(cudaMemcpy(order.data(), device_order, kCount * sizeof(unsigned), cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(&mailbox, device_mailbox, sizeof mailbox, cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(&got, device_totals, sizeof got, cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_values));
  CHECK(cudaFree(device_mailbox));
  CHECK(cudaFree(device_order));
  CHECK(cudaFree(device_totals));

  int index_sum = 0;
  for (int i = 0; i < kCount; ++i) {
    const int value = values[i];
    totals.minimum = std::min(totals.minimum, value);
    totals.maximum = std::max(totals.maximum, value);
    totals.bits_and &= ~static_cast<unsigned>(value & 0xff);
    totals.bits_or |= static_cast<unsigned>(value & 0xff00);
    totals.bits_xor ^= static_cast<unsigned>(value);
    totals.wide_sum += static_cast<unsigned long long>(value) << 32;
    totals.wide_maximum = std::max(totals.wide_maximum, static_cast<unsigned long long>(value) << 20);
    totals.float_sum += static_cast<float>(value % 16);  // whole numbers below 2^24: exact in any order
    totals.double_sum += value;
    index_sum += i;
  }
  REQUIRE(got.minimum == totals.minimum, "atomicMin gave %d, expected %d", got.minimum, totals.minimum);
  REQUIRE(got.maximum == totals.maximum, "atomicMax gave %d, expected %d", got.maximum, totals.maximum);
  REQUIRE(got.bits_and == totals.bits_and, "atomicAnd gave %x, expected %x", got.bits_and, totals.bits_and);
  REQUIRE(got.bits_or == totals.bits_or, "atomicOr gave %x, expected %x", got.bits_or, totals.bits_or);
  REQUIRE(got.bits_xor == totals.bits_xor, "atomicXor gave %x, expected %x", got.bits_xor, totals.bits_xor);
  REQUIRE(got.wrapping_up == kCount % 7, "atomicInc gave %u, expected %u", got.wrapping_up, kCount % 7);
  REQUIRE(got.wrapping_down == (10 - 1 - kCount % 10), "atomicDec gave %u, expected %u", got.wrapping_down,
          10 - 1 - kCount % 10);
  REQUIRE(got.wide_sum == totals.wide_sum, "64-bit atomicAdd gave %llx, expected %llx", got.wide_sum,
          totals.wide_sum);
  REQUIRE(got.wide_maximum == totals.wide_maximum, "64-bit atomicMax gave %llx", got.wide_maximum);
  REQUIRE(got.float_sum == totals.float_sum, "f32 atomicAdd gave %a, expected %a", got.float_sum,
          totals.float_sum);
  REQUIRE(got.double_sum == totals.double_sum, "f64 atomicAdd gave %a, expected %a", got.double_sum,
          totals.double_sum);
  REQUIRE(got.looped_sum == totals.double_sum, "the compare-and-swap loop gave %a", got.looped_sum);
  // Every number but the last one to arrive was found by the thread after it, and one found the first
  // content.
  REQUIRE(got.exchanged_sum == index_sum - mailbox + kMailbox, "atomicExch lost a value: %d",
          got.exchanged_sum);
  std::sort(order.begin(), order.end());
  for (unsigned i = 0; i < kCount; ++i) REQUIRE(order[i] == i, "ticket %u was handed out as %u", i, order[i]);
}

int main() {
  test_histogram();
  test_every_atomic();
  return passed("histogram of 50021 bytes and the other atomics");
}
