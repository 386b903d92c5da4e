// __managed__ variables: one memory for host and kernels, with the initial value that the program gives it.
#include "check.h"

constexpr int kCount = 1000;

__managed__ int total = 7;
__managed__ double table[kCount];
__managed__ struct {
  char name[12];
  int* pointer;
} record = {"before", nullptr};

__global__ void add_up(int amount) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < kCount) table[i] += amount;
  if (i == 0) {
    total += amount;
    record.name[0] = 'B';
    if (record.pointer != nullptr) *record.pointer = amount;
  }
}

int main() {
  // Before any other CUDA call.
  REQUIRE(total == 7, "total begins as %d", total);
  REQUIRE(table[kCount - 1] == 0, "table begins with %g", table[kCount - 1]);
  for (int i = 0; i < kCount; ++i) table[i] = i;
  record.pointer = &total;

  add_up<<<4, 256>>>(5);
  CHECK(cudaDeviceSynchronize());
  REQUIRE(total == 5, "total is %d", total);
  REQUIRE(record.name[0] == 'B' && record.name[1] == 'e', "the name is %s", record.name);
  for (int i = 0; i < kCount; ++i) REQUIRE(table[i] == i + 5, "element %d is %g", i, table[i]);

  // The address is the same on both sides, and the variable is a symbol like any other.
  void* address = nullptr;
  size_t bytes = 0;
  CHECK(cudaGetSymbolAddress(&address, total));
  REQUIRE(address == &total, "%p on the device, %p on the host", address, static_cast<void*>(&total));
  CHECK(cudaGetSymbolSize(&bytes, table));
  REQUIRE(bytes == sizeof(table), "%zu bytes", bytes);
  const int eleven = 11;
  int copied = 0;
  CHECK(cudaMemcpyToSymbol(total, &eleven, sizeof(eleven)));
  REQUIRE(total == 11, "total is %d", total);
  CHECK(cudaMemcpyFromSymbol(&copied, total, sizeof(copied)));
  REQUIRE(copied == 11, "%d came back", copied);

  cudaPointerAttributes attributes{};
  CHECK(cudaPointerGetAttributes(&attributes, &table[10]));
  REQUIRE(attributes.type == cudaMemoryTypeManaged, "type %d", attributes.type);
  CHECK(cudaMemset(table, 0, sizeof(table)));
  REQUIRE(table[17] == 0, "element 17 is %g", table[17]);
  EXPECT_STATUS(cudaFree(&total), cudaErrorInvalidValue);
  return passed("managed_variables");
}
