// The recording driver's memory: real bytes, so that tests see what a copy did, and when.
#include <cstring>

#include "exported.h"

using namespace vgpu::executor::test;

namespace {

CUresult allocate_for(const char* call, CUdeviceptr* address, std::size_t bytes) {
  const bool outside = has_rule(call, "outside");
  const CUresult result = record(call, {{"bytes", bytes}});
  if (result == CUDA_SUCCESS) *address = allocate(bytes, outside);
  return result;
}

void* pointer(CUdeviceptr address) {
  return reinterpret_cast<void*>(address);
}

}  // namespace

CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  *total = std::size_t{16} << 30;
  *free = std::size_t{10} << 30;
  return record("cuMemGetInfo_v2", {});
}

CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  return allocate_for("cuMemAlloc_v2", address, bytes);
}

CUresult cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUstream) {
  return allocate_for("cuMemAllocAsync", address, bytes);
}

CUresult cuMemFreeAsync(CUdeviceptr address, CUstream) {
  const CUresult result = record("cuMemFreeAsync", {});
  return result == CUDA_SUCCESS ? release(address) : result;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  const CUresult result = record("cuMemFree_v2", {});
  return result == CUDA_SUCCESS ? release(address) : result;
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* bytes, CUdeviceptr address) {
  const CUresult result = record("cuMemGetAddressRange_v2", {});
  if (result != CUDA_SUCCESS) return result;
  for (const auto& [start, range] : state().memory) {
    if (range.host || address - start >= range.bytes) continue;
    *base = start;
    *bytes = range.bytes;
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_NOT_FOUND;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, size_t* bytes, CUmodule, const char*) {
  *bytes = 64;
  return allocate_for("cuModuleGetGlobal_v2", address, *bytes);
}

CUresult cuMemHostAlloc(void** memory, size_t bytes, unsigned int flags) {
  const CUresult result = record("cuMemHostAlloc", {{"bytes", bytes}, {"flags", flags}});
  if (result == CUDA_SUCCESS) *memory = pointer(allocate(bytes, true));
  return result;
}

CUresult cuMemFreeHost(void* memory) {
  const CUresult result = record("cuMemFreeHost", {});
  return result == CUDA_SUCCESS ? release(number(memory)) : result;
}

CUresult cuMemHostRegister_v2(void* memory, size_t bytes, unsigned int flags) {
  const CUresult result = record("cuMemHostRegister_v2", {{"bytes", bytes}, {"flags", flags}});
  if (result == CUDA_SUCCESS) state().memory[number(memory)] = Range{bytes, true, true};
  return result;
}

CUresult cuMemHostUnregister(void* memory) {
  const CUresult result = record("cuMemHostUnregister", {});
  return result == CUDA_SUCCESS ? release(number(memory)) : result;
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* address, void* memory, unsigned int) {
  const bool elsewhere = has_rule("cuMemHostGetDevicePointer_v2", "outside");
  *address = number(memory) + (elsewhere ? 4096 : 0);
  return record("cuMemHostGetDevicePointer_v2", {});
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr destination, const void* source, size_t bytes, CUstream stream) {
  const CUresult result = record("cuMemcpyHtoDAsync_v2", {{"bytes", bytes}, {"stream", number(stream)}});
  if (result != CUDA_SUCCESS) return result;
  return later([=] { std::memcpy(pointer(destination), source, bytes); });
}

CUresult cuMemcpyDtoHAsync_v2(void* destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  const CUresult result = record("cuMemcpyDtoHAsync_v2", {{"bytes", bytes}, {"stream", number(stream)}});
  if (result != CUDA_SUCCESS) return result;
  return later([=] { std::memcpy(destination, pointer(source), bytes); });
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream) {
  const CUresult result = record("cuMemcpyDtoDAsync_v2", {{"bytes", bytes}, {"stream", number(stream)}});
  if (result != CUDA_SUCCESS) return result;
  return later([=] { std::memmove(pointer(destination), pointer(source), bytes); });
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* given, CUstream stream) {
  const CUDA_MEMCPY2D copy = *given;
  const CUresult result =
      record("cuMemcpy2DAsync_v2",
             {{"width", copy.WidthInBytes}, {"height", copy.Height}, {"stream", number(stream)}});
  if (result != CUDA_SUCCESS) return result;
  return later([copy] {
    const bool from_host = copy.srcMemoryType == CU_MEMORYTYPE_HOST;
    const bool to_host = copy.dstMemoryType == CU_MEMORYTYPE_HOST;
    const auto* source = static_cast<const char*>(from_host ? copy.srcHost : pointer(copy.srcDevice));
    auto* destination = static_cast<char*>(to_host ? copy.dstHost : pointer(copy.dstDevice));
    for (std::size_t row = 0; row < copy.Height; ++row) {
      std::memcpy(destination + row * copy.dstPitch, source + row * copy.srcPitch, copy.WidthInBytes);
    }
  });
}

CUresult cuMemsetD32Async(CUdeviceptr address, unsigned int value, size_t count, CUstream stream) {
  const CUresult result =
      record("cuMemsetD32Async", {{"value", value}, {"count", count}, {"stream", number(stream)}});
  if (result != CUDA_SUCCESS) return result;
  return later([=] {
    for (std::size_t i = 0; i < count; ++i) static_cast<unsigned int*>(pointer(address))[i] = value;
  });
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice) {
  *pool = handle<CUmemoryPool>(99);
  return record("cuDeviceGetDefaultMemPool", {});
}

CUresult cuMemPoolCreate(CUmemoryPool* pool, const CUmemPoolProps* properties) {
  const CUresult result = record(
      "cuMemPoolCreate",
      {{"device", static_cast<std::uint64_t>(properties->location.id)}, {"maximum", properties->maxSize}});
  if (result == CUDA_SUCCESS) *pool = handle<CUmemoryPool>(create());
  return result;
}

CUresult cuMemPoolDestroy(CUmemoryPool pool) {
  const CUresult result = record("cuMemPoolDestroy", {{"pool", number(pool)}});
  return result == CUDA_SUCCESS ? forget(number(pool)) : result;
}

// Writes no more than the attribute's own type: a reader that takes an int for 64 bits finds the rest
// untouched.
CUresult cuMemPoolGetAttribute(CUmemoryPool, CUmemPool_attribute attribute, void* value) {
  if (attribute <= CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES) {
    *static_cast<int*>(value) = 1;
  } else {
    *static_cast<std::uint64_t*>(value) = 0x1'0000'0002;
  }
  return record("cuMemPoolGetAttribute", {{"attribute", static_cast<std::uint64_t>(attribute)}});
}

CUresult cuMemCreate(CUmemGenericAllocationHandle* memory, size_t bytes,
                     const CUmemAllocationProp* properties, unsigned long long) {
  const CUresult result = record(
      "cuMemCreate", {{"bytes", bytes}, {"device", static_cast<std::uint64_t>(properties->location.id)}});
  if (result == CUDA_SUCCESS) *memory = create();
  return result;
}

CUresult cuMemRelease(CUmemGenericAllocationHandle memory) {
  const CUresult result = record("cuMemRelease", {{"memory", memory}});
  return result == CUDA_SUCCESS ? forget(memory) : result;
}

CUresult cuMemMap(CUdeviceptr, size_t bytes, size_t offset, CUmemGenericAllocationHandle memory,
                  unsigned long long) {
  return record("cuMemMap", {{"bytes", bytes}, {"offset", offset}, {"memory", memory}});
}

CUresult cuMemUnmap(CUdeviceptr, size_t bytes) {
  return record("cuMemUnmap", {{"bytes", bytes}});
}
