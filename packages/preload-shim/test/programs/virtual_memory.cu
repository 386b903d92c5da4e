// Virtual memory management as llama.cpp's pool does it: reserve much, map piece by piece, use it as one
// range. With the argument "unmapped" a kernel goes where nothing is mapped.
#include <cstring>
#include <vector>

#include "driver_entry.h"

__global__ void number(int* values, size_t count) {
  for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x) {
    values[i] = static_cast<int>(i);
  }
}

__global__ void store(int* target) {
  *target = 1;
}

int main(int count, char** arguments) {
  CHECK(cudaFree(nullptr));
  DRIVER(cuMemAddressReserve);
  DRIVER(cuMemAddressFree);
  DRIVER(cuMemCreate);
  DRIVER(cuMemRelease);
  DRIVER(cuMemMap);
  DRIVER(cuMemUnmap);
  DRIVER(cuMemSetAccess);
  DRIVER(cuMemGetAccess);
  DRIVER(cuMemGetAllocationGranularity);
  CUmemAllocationProp what = {};
  what.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  what.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  CUmemAccessDesc access = {};
  access.location = what.location;
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  size_t unit = 0, before = 0, during = 0, after = 0, total = 0;
  RUN(cuMemGetAllocationGranularity_(&unit, &what, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED));
  CHECK(cudaMemGetInfo(&before, &total));

  const size_t reserved = size_t{8} << 30;
  CUdeviceptr base = 0;
  RUN(cuMemAddressReserve_(&base, reserved, 0, 0, 0));
  REQUIRE(base % unit == 0, "the address is not aligned");
  CHECK(cudaMemGetInfo(&during, &total));
  REQUIRE(during == before, "reserving addresses took %zu bytes of memory", before - during);
  int* values = reinterpret_cast<int*>(base);
  if (count > 1 && std::strcmp(arguments[1], "unmapped") == 0) {
    store<<<1, 1>>>(values + 1000);
    EXPECT_STATUS(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
    return passed("a kernel that went to a reserved address");
  }

  for (size_t piece = 0; piece < 3; ++piece) {
    CUmemGenericAllocationHandle handle;
    RUN(cuMemCreate_(&handle, unit, &what, 0));
    RUN(cuMemMap_(base + piece * unit, unit, 0, handle, 0));
    RUN(cuMemRelease_(handle));  // the mapping keeps the memory
    RUN(cuMemSetAccess_(base + piece * unit, unit, &access, 1));
    EXPECT(cuMemRelease_(handle), CUDA_ERROR_INVALID_VALUE);
  }
  CHECK(cudaMemGetInfo(&during, &total));
  REQUIRE(before - during == 3 * unit, "three pieces took %zu bytes", before - during);
  const size_t elements = 3 * unit / sizeof(int);
  std::vector<int> host(elements);
  number<<<8, 256>>>(values, elements);
  CHECK(cudaMemcpy(host.data(), values, 3 * unit, cudaMemcpyDeviceToHost));
  for (size_t i = 0; i < elements; ++i) REQUIRE(host[i] == int(i), "element %zu is %d", i, host[i]);
  cudaPointerAttributes attributes;
  CHECK(cudaPointerGetAttributes(&attributes, values));
  REQUIRE(attributes.type == cudaMemoryTypeDevice, "the memory is of type %d", attributes.type);

  // The same memory at two addresses.
  CUmemGenericAllocationHandle twice;
  int seven = 7, found = 0;
  RUN(cuMemCreate_(&twice, unit, &what, 0));
  RUN(cuMemMap_(base + 4 * unit, unit, 0, twice, 0));
  RUN(cuMemMap_(base + 6 * unit, unit, 0, twice, 0));
  RUN(cuMemSetAccess_(base + 4 * unit, unit, &access, 1));
  RUN(cuMemSetAccess_(base + 6 * unit, unit, &access, 1));
  CHECK(cudaMemcpy(reinterpret_cast<void*>(base + 4 * unit), &seven, 4, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(&found, reinterpret_cast<void*>(base + 6 * unit), 4, cudaMemcpyDeviceToHost));
  REQUIRE(found == 7, "the other address has %d", found);

  // Mistakes: nothing is written, nothing is lost.
  unsigned long long flags = 0;
  CUdeviceptr none = 0;
  EXPECT(cuMemAddressReserve_(&none, unit + 1, 0, 0, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemAddressReserve_(&none, size_t{1} << 50, 0, 0, 0), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT(cuMemMap_(base + 4 * unit, unit, 0, twice, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemMap_(base + 8 * unit, 2 * unit, 0, twice, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemMap_(base + reserved, unit, 0, twice, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemMap_(base + 8 * unit, unit, 0, 12345, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemSetAccess_(base + 3 * unit, unit, &access, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemUnmap_(base + unit, 2 * unit + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuMemAddressFree_(base, reserved), CUDA_ERROR_INVALID_VALUE);  // still in use
  CUmemGenericAllocationHandle too_large;
  EXPECT(cuMemCreate_(&too_large, (total / unit + 1) * unit, &what, 0), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT(cuMemCreate_(&too_large, unit / 2, &what, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_STATUS(cudaMemset(values + elements - 1, 1, 8), cudaErrorInvalidValue);  // into what is not mapped
  CHECK(cudaMemcpy(&found, values + elements - 1, 4, cudaMemcpyDeviceToHost));
  REQUIRE(found == int(elements - 1), "a refused fill wrote %d", found);
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READ;
  RUN(cuMemSetAccess_(base, unit, &access, 1));
  RUN(cuMemGetAccess_(&flags, &what.location, base));
  REQUIRE(flags == CU_MEM_ACCESS_FLAGS_PROT_READ, "access is %llu", flags);
  EXPECT_STATUS(cudaMemset(values, 1, 4), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaGetLastError(), cudaErrorInvalidValue);

  RUN(cuMemRelease_(twice));
  RUN(cuMemUnmap_(base, 3 * unit));
  RUN(cuMemUnmap_(base + 4 * unit, unit));
  RUN(cuMemUnmap_(base + 6 * unit, unit));
  EXPECT_STATUS(cudaMemcpy(&found, values, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  RUN(cuMemAddressFree_(base, reserved));
  CHECK(cudaMemGetInfo(&after, &total));
  REQUIRE(after == before, "%zu bytes are lost", before - after);
  // What lay there is ordinary memory again, and empty.
  CHECK(cudaMalloc(&values, 3 * unit));
  CHECK(cudaMemcpy(host.data(), values, 3 * unit, cudaMemcpyDeviceToHost));
  for (size_t i = 0; i < elements; ++i) REQUIRE(host[i] == 0, "new memory has %d", host[i]);
  CHECK(cudaFree(values));
  return passed("virtual memory in pieces of %zu bytes", unit);
}
