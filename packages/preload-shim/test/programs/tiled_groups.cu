// Tiles of cooperative groups: each names only its own lanes, so several groups of a warp vote, match, add up
// and shuffle by one instruction. In whole warps, in warps of which only a part takes part, and in branches
// that leave some tiles whole and cut others.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

#include <vector>

#include "check.h"

namespace cg = cooperative_groups;

struct Seen {
  unsigned ballot;   // by rank in the tile
  unsigned matches;  // the same, of lanes with the own value
  int any;
  int all;
  int same;   // match_all
  int sum;    // reduce
  int next;   // the value of the next lane of the tile
  int first;  // the value of the tile's first lane
};

template <class Tile>
__device__ Seen look(const Tile& tile, int value) {
  Seen seen;
  int same = 0;
  seen.ballot = tile.ballot(value % 3 == 0);
  seen.matches = tile.match_any(value % 4);
  seen.any = tile.any(value % 5 == 0);
  seen.all = tile.all(value % 7 != 0);
  tile.match_all(value / 1000, same);
  seen.same = same;
  seen.sum = cg::reduce(tile, value, cg::plus<int>());
  seen.next = tile.shfl(value, (tile.thread_rank() + 1) % tile.num_threads());
  seen.first = tile.shfl(value, 0);
  tile.sync();
  return seen;
}

template <int kSize>
__global__ void converged(const int* values, Seen* seen) {
  const auto tile = cg::tiled_partition<kSize>(cg::this_thread_block());
  seen[threadIdx.x] = look(tile, values[threadIdx.x]);
}

__host__ __device__ inline bool goes_apart(int thread) {
  return thread % 32 > 10 && thread % 3 == 0;
}

/// Some lanes go another way; both ways meet the other lanes of their tile.
template <int kSize>
__global__ void in_branches(const int* values, Seen* seen) {
  const auto tile = cg::tiled_partition<kSize>(cg::this_thread_block());
  if (goes_apart(threadIdx.x)) {
    seen[threadIdx.x] = look(tile, values[threadIdx.x]);
  } else {
    Seen mine = look(tile, values[threadIdx.x]);
    mine.any += 2;
    seen[threadIdx.x] = mine;
  }
}

/// What the thread at `thread` must see.
Seen expected(const std::vector<int>& values, int thread, int size) {
  const int first = thread / size * size;
  Seen seen{0, 0, 0, 1, 1, 0, 0, 0};
  for (int other = first; other < first + size; ++other) {
    const int value = values[other];
    seen.ballot |= static_cast<unsigned>(value % 3 == 0) << (other - first);
    seen.matches |= static_cast<unsigned>(value % 4 == values[thread] % 4) << (other - first);
    seen.any |= value % 5 == 0;
    seen.all &= value % 7 != 0;
    seen.same &= value / 1000 == values[first] / 1000;
    seen.sum += value;
  }
  seen.next = values[first + (thread - first + 1) % size];
  seen.first = values[first];
  return seen;
}

using Kernel = void (*)(const int*, Seen*);

void run(const char* name, Kernel kernel, int size, int threads, bool cut) {
  std::vector<int> values(threads);
  // Now and then all lanes of a tile agree.
  for (int i = 0; i < threads; ++i) values[i] = i / size % 3 == 0 ? 3005 : (i * 37 + 11) % 2003;
  int* device_values = nullptr;
  Seen* device_seen = nullptr;
  CHECK(cudaMalloc(&device_values, threads * sizeof(int)));
  CHECK(cudaMalloc(&device_seen, threads * sizeof(Seen)));
  CHECK(cudaMemcpy(device_values, values.data(), threads * sizeof(int), cudaMemcpyHostToDevice));
  kernel<<<1, threads>>>(device_values, device_seen);
  std::vector<Seen> seen(threads);
  CHECK(cudaMemcpy(seen.data(), device_seen, threads * sizeof(Seen), cudaMemcpyDeviceToHost));
  for (int i = 0; i < threads; ++i) {
    Seen want = expected(values, i, size);
    if (cut && !goes_apart(i)) want.any += 2;
    const auto check = [&](const char* what, long long got, long long wanted) {
      REQUIRE(got == wanted, "%s of tiles of %d, thread %d of %d: %s is %lld instead of %lld", name, size, i,
              threads, what, got, wanted);
    };
    check("ballot", seen[i].ballot, want.ballot);
    check("match_any", seen[i].matches, want.matches);
    check("any", seen[i].any, want.any);
    check("all", seen[i].all, want.all);
    check("match_all", seen[i].same, want.same);
    check("reduce", seen[i].sum, want.sum);
    check("shfl of the next", seen[i].next, want.next);
    check("shfl of the first", seen[i].first, want.first);
  }
  CHECK(cudaFree(device_values));
  CHECK(cudaFree(device_seen));
}

template <int kSize>
void run_size() {
  for (const int threads : {32, 48, 96}) {
    run("converged", converged<kSize>, kSize, threads, false);
    run("in branches", in_branches<kSize>, kSize, threads, true);
  }
}

int main() {
  run_size<2>();
  run_size<4>();
  run_size<8>();
  run_size<16>();
  return passed("tiles of 2, 4, 8 and 16 threads");
}
