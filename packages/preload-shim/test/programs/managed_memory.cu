// Managed memory: one pointer for host and kernels, without a copy between them.
#include <cstdint>
#include <cstring>

#include "check.h"

struct Node {
  Node* next;
  int value;
};

__global__ void square(int* values, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) values[i] *= values[i];
}

__global__ void sum_list(const Node* node, int* sum) {
  int total = 0;
  for (; node != nullptr; node = node->next) total += node->value;
  *sum = total;
}

void values_of_both() {
  constexpr int kCount = 100000;
  int* values = nullptr;
  CHECK(cudaMallocManaged(&values, kCount * sizeof(int)));
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < kCount; ++i) values[i] = i % 100 + round;
    square<<<(kCount + 255) / 256, 256>>>(values, kCount);
    CHECK(cudaDeviceSynchronize());
    for (int i = 0; i < kCount; ++i) {
      const int expected = (i % 100 + round) * (i % 100 + round);
      REQUIRE(values[i] == expected, "round %d: element %d is %d", round, i, values[i]);
    }
  }
  // Copies and fills see the same memory, whichever side they take it for.
  static int host[kCount];
  CHECK(cudaMemset(values, 0, kCount * sizeof(int)));
  REQUIRE(values[kCount - 1] == 0, "the fill did not arrive");
  values[7] = 77;
  CHECK(cudaMemcpy(host, values, sizeof host, cudaMemcpyDefault));
  REQUIRE(host[7] == 77 && host[8] == 0, "the copy has %d and %d", host[7], host[8]);
  host[9] = 99;
  CHECK(cudaMemcpy(values, host, sizeof host, cudaMemcpyHostToDevice));
  REQUIRE(values[9] == 99, "the copy back has %d", values[9]);

  cudaPointerAttributes attributes;
  CHECK(cudaPointerGetAttributes(&attributes, values + 5));
  REQUIRE(attributes.type == cudaMemoryTypeManaged && attributes.hostPointer == attributes.devicePointer,
          "memory of type %d", attributes.type);
  cudaMemLocation here = {};
  here.type = cudaMemLocationTypeDevice;
  CHECK(cudaMemPrefetchAsync(values, kCount * sizeof(int), here, 0, nullptr));
  CHECK(cudaMemAdvise(values, kCount * sizeof(int), cudaMemAdviseSetReadMostly, here));
  EXPECT_STATUS(cudaMemPrefetchAsync(values, (kCount + 1) * sizeof(int), here, 0, nullptr),
                cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMemPrefetchAsync(host, sizeof host, here, 0, nullptr), cudaErrorInvalidValue);
  here.id = 5;
  EXPECT_STATUS(cudaMemPrefetchAsync(values, 4, here, 0, nullptr), cudaErrorInvalidDevice);
  EXPECT_STATUS(cudaMemAdvise(values, 4, static_cast<cudaMemoryAdvise>(99), here), cudaErrorInvalidValue);
  CHECK(cudaFree(values));
  EXPECT_STATUS(cudaFree(values), cudaErrorInvalidValue);
}

void a_list() {
  Node* nodes = nullptr;
  int* sum = nullptr;
  CHECK(cudaMallocManaged(&nodes, 10 * sizeof(Node)));
  CHECK(cudaMallocManaged(&sum, sizeof(int)));
  for (int i = 0; i < 10; ++i) nodes[i] = {i < 9 ? &nodes[i + 1] : nullptr, i * i};
  sum_list<<<1, 1>>>(nodes, sum);
  CHECK(cudaDeviceSynchronize());
  REQUIRE(*sum == 285, "the sum is %d", *sum);
  CHECK(cudaFree(nodes));
  CHECK(cudaFree(sum));
}

void mapped_host_memory() {
  int *host = nullptr, *plain = nullptr, *device = nullptr;
  CHECK(cudaHostAlloc(&host, 1000 * sizeof(int), cudaHostAllocMapped));
  CHECK(cudaHostGetDevicePointer(&device, host, 0));
  for (int i = 0; i < 1000; ++i) host[i] = i;
  square<<<4, 256>>>(device, 1000);
  CHECK(cudaDeviceSynchronize());
  for (int i = 0; i < 1000; ++i) REQUIRE(host[i] == i * i, "element %d is %d", i, host[i]);
  cudaPointerAttributes attributes;
  CHECK(cudaPointerGetAttributes(&attributes, host));
  REQUIRE(attributes.type == cudaMemoryTypeHost && attributes.devicePointer == device, "memory of type %d",
          attributes.type);
  CHECK(cudaMallocHost(&plain, 64));
  EXPECT_STATUS(cudaHostGetDevicePointer(&device, plain, 0), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaHostGetDevicePointer(&device, &plain, 0), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaHostGetDevicePointer(&device, host, 1), cudaErrorInvalidValue);
  CHECK(cudaFreeHost(plain));
  CHECK(cudaFreeHost(host));
  EXPECT_STATUS(cudaFreeHost(host), cudaErrorInvalidValue);
}

int main() {
  int managed = 0;
  size_t before = 0, after = 0, total = 0;
  CHECK(cudaDeviceGetAttribute(&managed, cudaDevAttrManagedMemory, 0));
  REQUIRE(managed == 1, "the device says that it has no managed memory");
  CHECK(cudaFree(nullptr));
  CHECK(cudaMemGetInfo(&before, &total));
  values_of_both();
  a_list();
  mapped_host_memory();
  CHECK(cudaMemGetInfo(&after, &total));
  REQUIRE(before == after, "%zu bytes are lost", before - after);

  // New memory is empty, also where other memory was; and a context takes its memory along.
  unsigned char* bytes = nullptr;
  CHECK(cudaMallocManaged(&bytes, 5000, cudaMemAttachHost));
  for (int i = 0; i < 5000; ++i) REQUIRE(bytes[i] == 0, "byte %d of new memory is %d", i, bytes[i]);
  std::memset(bytes, 1, 5000);
  CHECK(cudaDeviceReset());
  CHECK(cudaMallocManaged(&bytes, 5000));
  for (int i = 0; i < 5000; ++i) REQUIRE(bytes[i] == 0, "byte %d is %d after the reset", i, bytes[i]);
  CHECK(cudaFree(bytes));

  void* none = nullptr;
  EXPECT_STATUS(cudaMallocManaged(&none, 0), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMallocManaged(&none, 16, 8), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMallocManaged(&none, total * 2), cudaErrorMemoryAllocation);
  return passed("managed and mapped memory");
}
