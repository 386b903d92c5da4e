// Threads that wait for each other: locks between the lanes of a warp, the warps of a block and the blocks of
// a grid, and queues from one to the other.
#include <vector>

#include "check.h"

__device__ int lock_word;
__device__ int protected_count;

__device__ void acquire(int* lock) {
  while (atomicCAS(lock, 0, 1) != 0) {
  }
  __threadfence();
}

__device__ void release(int* lock) {
  __threadfence();
  atomicExch(lock, 0);
}

/// Each lane takes the lock by itself, while the others of its warp spin.
__global__ void count_under_lock(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    acquire(&lock_word);
    const int before = *const_cast<volatile int*>(&protected_count);
    __nanosleep(20);
    *const_cast<volatile int*>(&protected_count) = before + 1;
    release(&lock_word);
  }
}

/// The lanes of the upper half wait for their partners in the lower half.
__global__ void hand_over(int* values) {
  __shared__ volatile int mailbox[32];
  const unsigned lane = threadIdx.x;
  mailbox[lane] = 0;
  __syncwarp();
  if (lane < 16) {
    mailbox[lane] = 100 + lane;
  } else {
    while (mailbox[lane - 16] == 0) {
    }
    values[lane - 16] = mailbox[lane - 16];
  }
}

/// The same with the waiting side first in the program, and in a branch of its own.
__global__ void hand_over_backwards(int* values) {
  __shared__ volatile int mailbox[32];
  const unsigned lane = threadIdx.x;
  mailbox[lane] = 0;
  __syncwarp();
  if (lane >= 16) {
    while (mailbox[lane - 16] == 0) __nanosleep(100);
    values[lane - 16] = mailbox[lane - 16];
  } else {
    mailbox[lane] = 200 + lane;
  }
}

/// Block n waits for block n - 1, as a scan with look-back does.
__global__ void chain(volatile int* sums) {
  if (threadIdx.x != 0) return;
  int before = 0;
  if (blockIdx.x != 0) {
    while ((before = sums[blockIdx.x - 1]) == 0) __nanosleep(50);
  }
  __threadfence();
  sums[blockIdx.x] = before + 1;
}

/// One warp produces, another consumes, through a ring of four places.
__global__ void produce_and_consume(int count, int* sum) {
  __shared__ volatile int ring[4];
  __shared__ volatile int produced, consumed;
  if (threadIdx.x == 0) produced = consumed = 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 0; i < count; ++i) {
      while (i - consumed >= 4) {
      }
      ring[i % 4] = i + 1;
      __threadfence_block();
      produced = i + 1;
    }
  } else if (threadIdx.x == 32) {
    int total = 0;
    for (int i = 0; i < count; ++i) {
      while (produced <= i) {
      }
      __threadfence_block();
      total += ring[i % 4];
      consumed = i + 1;
    }
    *sum = total;
  }
}

/// Groups of a warp that synchronise among themselves, in branches of different length.
__global__ void partial_masks(int* values) {
  __shared__ volatile int shared[32];
  const unsigned lane = threadIdx.x;
  const unsigned group = lane / 8;
  const unsigned mask = 0xffu << (8 * group);
  shared[lane] = 0;
  __syncwarp();
  int value = static_cast<int>(lane);
  for (unsigned round = 0; round <= group * 3; ++round) {
    shared[lane] = value;
    __syncwarp(mask);
    value = shared[8 * group + (lane + 1) % 8] + 1;
    __syncwarp(mask);
  }
  values[lane] = value + __shfl_xor_sync(mask, value, 1);
}

static std::vector<int> fetch(const int* device, int count) {
  std::vector<int> values(count);
  CHECK(cudaDeviceSynchronize());
  CHECK(cudaMemcpy(values.data(), device, count * sizeof(int), cudaMemcpyDeviceToHost));
  return values;
}

static void test_locks() {
  constexpr int kBlocks = 2, kThreads = 40, kRounds = 2;
  count_under_lock<<<kBlocks, kThreads>>>(kRounds);
  int count = 0;
  CHECK(cudaMemcpyFromSymbol(&count, protected_count, sizeof count));
  REQUIRE(count == kBlocks * kThreads * kRounds, "the lock let %d of %d through", count,
          kBlocks * kThreads * kRounds);
}

static void test_hand_over(int* device) {
  hand_over<<<1, 32>>>(device);
  std::vector<int> values = fetch(device, 16);
  for (int i = 0; i < 16; ++i) REQUIRE(values[i] == 100 + i, "lane %d got %d", i, values[i]);
  hand_over_backwards<<<1, 32>>>(device);
  values = fetch(device, 16);
  for (int i = 0; i < 16; ++i) REQUIRE(values[i] == 200 + i, "lane %d got %d, backwards", i, values[i]);
}

static void test_masks(int* device) {
  partial_masks<<<1, 32>>>(device);
  const std::vector<int> values = fetch(device, 32);
  for (int lane = 0; lane < 32; ++lane) {
    const int group = lane / 8, rounds = group * 3 + 1;
    const auto value = [&](int of) { return 8 * group + (of + rounds) % 8 + rounds; };
    REQUIRE(values[lane] == value(lane) + value(lane ^ 1), "lane %d has %d", lane, values[lane]);
  }
}

int main() {
  constexpr int kBlocks = 300;
  int* device = nullptr;
  CHECK(cudaMalloc(&device, kBlocks * sizeof(int)));
  CHECK(cudaMemset(device, 0, kBlocks * sizeof(int)));
  chain<<<kBlocks, 32>>>(device);
  REQUIRE(fetch(device, kBlocks).back() == kBlocks, "the chain of blocks broke");
  produce_and_consume<<<1, 64>>>(100, device);
  REQUIRE(fetch(device, 1)[0] == 5050, "the sum of what was consumed is wrong");
  test_hand_over(device);
  test_masks(device);
  test_locks();
  CHECK(cudaFree(device));
  return passed("threads that wait for each other make progress");
}
