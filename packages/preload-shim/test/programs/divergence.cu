// Loops and branches that send the lanes of a warp different ways. The host runs the very same functions.
#include <vector>

#include "check.h"

constexpr unsigned kGaveUp = 0xffffffffu;

/// Steps that the Collatz sequence takes down to 1: every lane leaves the loop at another time.
__host__ __device__ unsigned collatz_steps(unsigned start, unsigned limit) {
  unsigned long long value = start;
  unsigned steps = 0;
  while (value != 1) {
    if (value % 2 == 0) {
      value /= 2;
    } else {
      value = 3 * value + 1;
    }
    if (++steps == limit) return kGaveUp;
  }
  return steps;
}

/// Nested loops with break, continue, return, a switch that falls through, and a do loop inside a branch.
__host__ __device__ int wander(int start) {
  int value = start;
  for (int outer = 0; outer < start % 11; ++outer) {
    for (int inner = outer; inner < 20; ++inner) {
      if ((value + inner) % 5 == 0) continue;
      if ((value ^ inner) % 17 == 0) break;
      switch ((value + outer) & 7) {
        case 0:
          value += 3;
          break;
        case 1:
          value ^= 0x55;
          [[fallthrough]];
        case 2:
          value += inner;
          break;
        case 5:
          if (value > 4000) return value - outer;
          value *= 2;
          break;
        case 6: {
          int left = value % 4;
          do {
            value -= left * inner;
            if (value < -3000) return -1;
          } while (left-- > 0);
          break;
        }
        default:
          ++value;
      }
    }
    if (value % 23 == 1) return value * 100 + outer;
  }
  return value;
}

__global__ void run_collatz(unsigned first, int count, unsigned limit, unsigned* steps) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  steps[i] = collatz_steps(first + i, limit);
}

__global__ void run_wander(int count, int* results) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) results[i] = wander(i);
}

/// After all that the warp must be whole again: the ballot and the barrier see every lane that has not
/// returned.
__global__ void rejoin(int count, unsigned* ballots, int* sums) {
  __shared__ int shared_sum;
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (threadIdx.x == 0) shared_sum = 0;
  __syncthreads();
  int turns = 0;
  if (i % 3 != 0) {
    for (int k = 0; k < i % 13; ++k) {
      if (k % 2 == 0) {
        if ((k + i) % 7 == 0) continue;
        turns += 2;
      } else {
        turns += k;
      }
    }
  }
  ballots[i] = __ballot_sync(0xffffffffu, turns > 10);
  atomicAdd(&shared_sum, turns);
  __syncthreads();
  if (i < count) sums[i] = shared_sum;
}

static int turns_of(int i) {
  int turns = 0;
  for (int k = 0; i % 3 != 0 && k < i % 13; ++k) {
    if (k % 2 != 0) {
      turns += k;
    } else if ((k + i) % 7 != 0) {
      turns += 2;
    }
  }
  return turns;
}

static void test_collatz() {
  constexpr int kCount = 1999;
  constexpr unsigned kFirst = 1, kLimit = 150;
  unsigned* device_steps = nullptr;
  std::vector<unsigned> steps(kCount);
  CHECK(cudaMalloc(&device_steps, kCount * sizeof(unsigned)));
  run_collatz<<<(kCount + 127) / 128, 128>>>(kFirst, kCount, kLimit, device_steps);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(steps.data(), device_steps, kCount * sizeof(unsigned), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_steps));
  int given_up = 0;
  for (int i = 0; i < kCount; ++i) {
    const unsigned expected = collatz_steps(kFirst + i, kLimit);
    REQUIRE(steps[i] == expected, "Collatz of %d took %u steps, expected %u", i + 1, steps[i], expected);
    given_up += static_cast<int>(expected == kGaveUp);
  }
  REQUIRE(given_up > 0 && given_up < kCount, "the limit must stop some lanes and not others, not %d",
          given_up);
}

static void test_wander() {
  constexpr int kCount = 1500;
  int* device_results = nullptr;
  std::vector<int> results(kCount);
  CHECK(cudaMalloc(&device_results, kCount * sizeof(int)));
  run_wander<<<(kCount + 95) / 96, 96>>>(kCount, device_results);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(results.data(), device_results, kCount * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_results));
  for (int i = 0; i < kCount; ++i) {
    REQUIRE(results[i] == wander(i), "thread %d wandered to %d, expected %d", i, results[i], wander(i));
  }
}

static void test_rejoin() {
  constexpr int kBlock = 128, kBlocks = 4, kCount = kBlock * kBlocks;
  unsigned* device_ballots = nullptr;
  int* device_sums = nullptr;
  std::vector<unsigned> ballots(kCount);
  std::vector<int> sums(kCount);
  CHECK(cudaMalloc(&device_ballots, kCount * sizeof(unsigned)));
  CHECK(cudaMalloc(&device_sums, kCount * sizeof(int)));
  rejoin<<<kBlocks, kBlock>>>(kCount, device_ballots, device_sums);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(ballots.data(), device_ballots, kCount * sizeof(unsigned), cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(sums.data(), device_sums, kCount * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_ballots));
  CHECK(cudaFree(device_sums));
  for (int i = 0; i < kCount; ++i) {
    unsigned ballot = 0;
    int sum = 0;
    for (int lane = 0; lane < 32; ++lane)
      ballot |= static_cast<unsigned>(turns_of(i / 32 * 32 + lane) > 10) << lane;
    for (int thread = 0; thread < kBlock; ++thread) sum += turns_of(i / kBlock * kBlock + thread);
    REQUIRE(ballots[i] == ballot, "ballot of thread %d is %x, expected %x", i, ballots[i], ballot);
    REQUIRE(sums[i] == sum, "sum of thread %d is %d, expected %d", i, sums[i], sum);
  }
}

int main() {
  test_collatz();
  test_wander();
  test_rejoin();
  return passed("divergent loops and branches rejoin");
}
