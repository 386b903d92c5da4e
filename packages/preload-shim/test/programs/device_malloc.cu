// malloc, free, new and delete in kernels.
#include <vector>

#include "check.h"

constexpr size_t kHeapBytes = 1 << 20;

struct Shape {
  __device__ explicit Shape(int size) : size(size) {}
  __device__ virtual ~Shape() {}
  __device__ virtual int area() const = 0;
  int size;
};
struct Square : Shape {
  using Shape::Shape;
  __device__ int area() const override { return size * size; }
};
struct Strip : Shape {
  using Shape::Shape;
  __device__ ~Strip() override { size = 0; }
  __device__ int area() const override { return 2 * size; }
};

__device__ Shape* shapes[256];

/// The objects stay until a later kernel deletes them. They may not be used from the kernels of another
/// module, and are not.
__global__ void create_shapes() {
  const int i = threadIdx.x;
  shapes[i] = i % 2 == 0 ? static_cast<Shape*>(new Square(i)) : new Strip(i);
}

__global__ void measure_shapes(int* areas) {
  areas[threadIdx.x] = shapes[threadIdx.x]->area();
}

__global__ void delete_shapes() {
  delete shapes[threadIdx.x];
}

/// All threads allocate at once; each fills its piece and looks whether it stays what it wrote.
__global__ void fill_pieces(int rounds, int* mistakes) {
  const unsigned thread = blockIdx.x * blockDim.x + threadIdx.x;
  for (int round = 0; round < rounds; ++round) {
    const int words = 1 + (thread * 7 + round * 3) % 20;
    auto* piece = static_cast<unsigned*>(malloc(words * sizeof(unsigned)));
    if (piece == nullptr || reinterpret_cast<size_t>(piece) % 16 != 0) {
      atomicAdd(mistakes, 1);
      continue;
    }
    for (int i = 0; i < words; ++i) piece[i] = thread * 1000 + round;
    __syncwarp();
    for (int i = 0; i < words; ++i) {
      if (piece[i] != thread * 1000 + round) atomicAdd(mistakes, 1);
    }
    free(piece);
  }
}

struct Node {
  Node* next;
  char bytes[1000];
};
__device__ Node* chain;

/// Takes all there is.
__global__ void exhaust(int* count) {
  *count = 0;
  chain = nullptr;
  while (auto* node = static_cast<Node*>(malloc(sizeof(Node)))) {
    node->next = chain;
    chain = node;
    ++*count;
  }
}

__global__ void give_back() {
  while (chain != nullptr) {
    Node* next = chain->next;
    free(chain);
    chain = next;
  }
}

__global__ void allocate_odd_sizes(void** results) {
  results[0] = malloc(0);
  results[1] = malloc(~size_t{0});
  results[2] = malloc(2 * kHeapBytes);
  free(nullptr);
}

static int exhausted_after(int* device) {
  int count = 0;
  exhaust<<<1, 1>>>(device);
  CHECK(cudaMemcpy(&count, device, sizeof count, cudaMemcpyDeviceToHost));
  give_back<<<1, 1>>>();
  CHECK(cudaDeviceSynchronize());
  return count;
}

static void test_objects() {
  constexpr int kCount = 256;
  int* device = nullptr;
  std::vector<int> areas(kCount);
  CHECK(cudaMalloc(&device, kCount * sizeof(int)));
  create_shapes<<<1, kCount>>>();
  measure_shapes<<<1, kCount>>>(device);
  delete_shapes<<<1, kCount>>>();
  CHECK(cudaMemcpy(areas.data(), device, kCount * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device));
  for (int i = 0; i < kCount; ++i) {
    const int expected = i % 2 == 0 ? i * i : 2 * i;
    REQUIRE(areas[i] == expected, "area %d is %d, expected %d", i, areas[i], expected);
  }
}

int main() {
  size_t heap = 0;
  CHECK(cudaDeviceGetLimit(&heap, cudaLimitMallocHeapSize));
  REQUIRE(heap == 8 << 20, "the heap has %zu bytes", heap);
  CHECK(cudaDeviceSetLimit(cudaLimitMallocHeapSize, kHeapBytes));
  test_objects();
  EXPECT_STATUS(cudaDeviceSetLimit(cudaLimitMallocHeapSize, 2 * kHeapBytes), cudaErrorInvalidValue);
  REQUIRE(cudaGetLastError() == cudaErrorInvalidValue, "the error was not kept");

  int *device = nullptr, mistakes = 0;
  void **results = nullptr, *odd[3];
  CHECK(cudaMalloc(&device, sizeof(int)));
  CHECK(cudaMemset(device, 0, sizeof(int)));
  fill_pieces<<<20, 100>>>(5, device);
  CHECK(cudaMemcpy(&mistakes, device, sizeof mistakes, cudaMemcpyDeviceToHost));
  REQUIRE(mistakes == 0, "%d pieces of memory were not their thread's own", mistakes);

  const int first = exhausted_after(device);
  REQUIRE(first > 900 && first * sizeof(Node) <= kHeapBytes, "%d pieces of %zu bytes", first, sizeof(Node));
  const int second = exhausted_after(device);
  REQUIRE(second == first, "%d pieces, then %d", first, second);

  CHECK(cudaMalloc(&results, sizeof odd));
  allocate_odd_sizes<<<1, 1>>>(results);
  CHECK(cudaMemcpy(odd, results, sizeof odd, cudaMemcpyDeviceToHost));
  REQUIRE(odd[0] == nullptr && odd[1] == nullptr && odd[2] == nullptr, "malloc gave %p, %p, %p", odd[0],
          odd[1], odd[2]);
  return passed("malloc, free, new and delete in kernels");
}
