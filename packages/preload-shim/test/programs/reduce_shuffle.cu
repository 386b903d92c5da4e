// Reductions and votes inside a warp, without shared memory, in warps of which the last is only partly
// filled.
#include <bitset>
#include <vector>

#include "check.h"

constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kWarp = 32;

/// One float sum a warp. Lanes past the end add zero; the host repeats the same tree, so the bits agree.
__global__ void sum_warps(const float* values, int count, float* sums) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  float value = i < count ? values[i] : 0.0f;
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value += __shfl_down_sync(kAllLanes, value, distance);
  if (threadIdx.x % kWarp == 0 && i < count) sums[i / kWarp] = value;
}

struct Votes {
  unsigned ballot;
  int any;
  int all;
  int butterfly;   // sum over the warp through shfl.bfly, known to every lane
  int prefix;      // inclusive sum through shfl.up
  long long wide;  // a 64-bit value fetched from another lane: two 32-bit shuffles
  int quarter;     // lane 3 of the own group of 8
};

__global__ void vote(const int* values, Votes* votes) {
  const int lane = threadIdx.x % kWarp;
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int value = values[i];
  Votes mine;
  mine.ballot = __ballot_sync(kAllLanes, value % 3 == 0);
  mine.any = __any_sync(kAllLanes, value == 100);
  mine.all = __all_sync(kAllLanes, value >= 0);
  mine.butterfly = value;
  for (int mask = 1; mask < kWarp; mask *= 2)
    mine.butterfly += __shfl_xor_sync(kAllLanes, mine.butterfly, mask);
  mine.prefix = value;
  for (int distance = 1; distance < kWarp; distance *= 2) {
    const int below = __shfl_up_sync(kAllLanes, mine.prefix, distance);
    if (lane >= distance) mine.prefix += below;
  }
  mine.wide =
      __shfl_sync(kAllLanes, static_cast<long long>(value) * (1ll << 33) | lane, (lane * 7 + 5) % kWarp);
  mine.quarter = __shfl_sync(kAllLanes, value, 3, 8);
  votes[i] = mine;
}

/// Only half of each warp takes part: the mask names those lanes and no other.
__global__ void sum_odd_lanes(const int* values, int* sums) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i % 2 == 1) {
    int value = values[i];
    for (int mask = 2; mask < kWarp; mask *= 2) value += __shfl_xor_sync(0xaaaaaaaau, value, mask);
    sums[i] = value;
  } else {
    sums[i] = static_cast<int>(__activemask() != 0);
  }
}

static void test_sums() {
  constexpr int kCount = 3019, kBlock = 96, kSums = (kCount + kWarp - 1) / kWarp;
  std::vector<float> values(kCount), sums(kSums);
  for (int i = 0; i < kCount; ++i) values[i] = 1.0f / static_cast<float>(i * 13 % 1009 + 1);
  float *device_values = nullptr, *device_sums = nullptr;
  CHECK(cudaMalloc(&device_values, kCount * sizeof(float)));
  CHECK(cudaMalloc(&device_sums, kSums * sizeof(float)));
  CHECK(cudaMemcpy(device_values, values.data(), kCount * sizeof(float), cudaMemcpyHostToDevice));
  sum_warps<<<(kCount + kBlock - 1) / kBlock, kBlock>>>(device_values, kCount, device_sums);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(sums.data(), device_sums, kSums * sizeof(float), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_values));
  CHECK(cudaFree(device_sums));
  for (int warp = 0; warp < kSums; ++warp) {
    float tree[kWarp];
    for (int lane = 0; lane < kWarp; ++lane) {
      const int i = warp * kWarp + lane;
      tree[lane] = i < kCount ? values[i] : 0.0f;
    }
    for (int width = kWarp / 2; width > 0; width /= 2) {
      for (int lane = 0; lane < width; ++lane) tree[lane] += tree[lane + width];
    }
    REQUIRE(sums[warp] == tree[0], "warp %d sums to %a, expected %a", warp, sums[warp], tree[0]);
  }
}

static void test_votes() {
  constexpr int kBlocks = 3, kBlock = 64, kCount = kBlocks * kBlock;
  std::vector<int> values(kCount), odd_sums(kCount);
  std::vector<Votes> votes(kCount);
  for (int i = 0; i < kCount; ++i) values[i] = i * 37 % 211 - (i > 100 ? 4 : 0);
  int *device_values = nullptr, *device_odd_sums = nullptr;
  Votes* device_votes = nullptr;
  CHECK(cudaMalloc(&device_values, kCount * sizeof(int)));
  CHECK(cudaMalloc(&device_odd_sums, kCount * sizeof(int)));
  CHECK(cudaMalloc(&device_votes, kCount * sizeof(Votes)));
  CHECK(cudaMemcpy(device_values, values.data(), kCount * sizeof(int), cudaMemcpyHostToDevice));
  vote<<<kBlocks, kBlock>>>(device_values, device_votes);
  CHECK(cudaGetLastError());
  sum_odd_lanes<<<kBlocks, kBlock>>>(device_values, device_odd_sums);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(votes.data(), device_votes, kCount * sizeof(Votes), cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(odd_sums.data(), device_odd_sums, kCount * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_values));
  CHECK(cudaFree(device_odd_sums));
  CHECK(cudaFree(device_votes));
  for (int i = 0; i < kCount; ++i) {
    const int lane = i % kWarp, first = i - lane, other = (lane * 7 + 5) % kWarp;
    std::bitset<kWarp> thirds;
    int total = 0, prefix = 0, odd_total = 0;
    bool any = false, all = true;
    for (int l = 0; l < kWarp; ++l) {
      const int value = values[first + l];
      thirds[l] = value % 3 == 0;
      any = any || value == 100;
      all = all && value >= 0;
      total += value;
      if (l <= lane) prefix += value;
      if (l % 2 == 1) odd_total += value;
    }
    const long long wide = static_cast<long long>(values[first + other]) * (1ll << 33) | other;
    REQUIRE(votes[i].ballot == thirds.to_ulong(), "ballot of thread %d is %x", i, votes[i].ballot);
    REQUIRE((votes[i].any != 0) == any, "any of thread %d is %d", i, votes[i].any);
    REQUIRE((votes[i].all != 0) == all, "all of thread %d is %d", i, votes[i].all);
    REQUIRE(votes[i].butterfly == total, "butterfly of thread %d is %d", i, votes[i].butterfly);
    REQUIRE(votes[i].prefix == prefix, "prefix of thread %d is %d", i, votes[i].prefix);
    REQUIRE(votes[i].wide == wide, "wide shuffle of thread %d is %llx", i, votes[i].wide);
    REQUIRE(votes[i].quarter == values[first + lane / 8 * 8 + 3], "quarter of thread %d is %d", i,
            votes[i].quarter);
    const int expected_odd = lane % 2 == 1 ? odd_total : 1;
    REQUIRE(odd_sums[i] == expected_odd, "odd lanes of thread %d give %d, expected %d", i, odd_sums[i],
            expected_odd);
  }
}

int main() {
  test_sums();
  test_votes();
  return passed("warp shuffles and votes");
}
