#include "software_backend_fixture.h"

using namespace vgpu::executor;
using vgpu::executor::test::SoftwareFixture;

TEST_CASE_FIXTURE(SoftwareFixture, "the primary context is active while it is retained") {
  std::uint32_t flags = 99;
  std::int32_t active = 99;
  CHECK(backend.cuDevicePrimaryCtxGetState(0, 0, flags, active) == CUDA_SUCCESS);
  CHECK(flags == 0);
  CHECK(active == 1);

  Handle again = 0;
  CHECK(backend.cuDevicePrimaryCtxRetain(0, again, 0) == CUDA_SUCCESS);
  CHECK(again == context);
  CHECK(backend.cuDevicePrimaryCtxRelease_v2(0, 0) == CUDA_SUCCESS);
  CHECK(backend.cuCtxSynchronize(context) == CUDA_SUCCESS);
  CHECK(backend.cuDevicePrimaryCtxRelease_v2(0, 0) == CUDA_SUCCESS);
  CHECK(result([&] { return backend.cuCtxSynchronize(context); }) == CUDA_ERROR_CONTEXT_IS_DESTROYED);
  CHECK(result([&] { return backend.cuDevicePrimaryCtxRelease_v2(0, 0); }) == CUDA_ERROR_INVALID_CONTEXT);
  CHECK(backend.cuDevicePrimaryCtxGetState(0, 0, flags, active) == CUDA_SUCCESS);
  CHECK(active == 0);
}

TEST_CASE_FIXTURE(SoftwareFixture, "releasing the primary context frees what it owns") {
  std::uint64_t free_before = 0;
  std::uint64_t free_after = 0;
  std::uint64_t total = 0;
  backend.cuMemGetInfo_v2(context, free_before, total);
  const std::uint64_t address = allocate(1 << 20);
  const Handle module = load();
  CHECK(backend.cuDevicePrimaryCtxRelease_v2(0, 0) == CUDA_SUCCESS);
  CHECK(backend.cuDevicePrimaryCtxRetain(0, context, 0) == CUDA_SUCCESS);
  backend.cuMemGetInfo_v2(context, free_after, total);
  CHECK(free_after == free_before);
  CHECK(result([&] { return backend.vgpuMemFree(context, address); }) == CUDA_ERROR_INVALID_VALUE);
  CHECK(result([&] { return backend.cuModuleUnload(context, module); }) == CUDA_ERROR_INVALID_HANDLE);
}

TEST_CASE_FIXTURE(SoftwareFixture, "a reset frees what the context owns and leaves it retained") {
  const std::uint64_t address = allocate(100);
  CHECK(backend.cuCtxSetLimit(context, CU_LIMIT_STACK_SIZE, 4096) == CUDA_SUCCESS);
  CHECK(backend.cuDevicePrimaryCtxReset_v2(0, 0) == CUDA_SUCCESS);
  CHECK(result([&] { return backend.vgpuMemFree(context, address); }) == CUDA_ERROR_INVALID_VALUE);
  std::uint64_t stack = 0;
  CHECK(backend.cuCtxGetLimit(context, stack, CU_LIMIT_STACK_SIZE) == CUDA_SUCCESS);
  CHECK(stack == 1024);
  CHECK(backend.cuDevicePrimaryCtxRelease_v2(0, 0) == CUDA_SUCCESS);
}

TEST_CASE_FIXTURE(SoftwareFixture, "there is one device") {
  for (const std::int32_t device : {-1, 1, INT32_MAX}) {
    CAPTURE(device);
    Handle handle = 0;
    std::uint32_t flags = 0;
    std::int32_t active = 0;
    const auto invalid = CUDA_ERROR_INVALID_DEVICE;
    CHECK(result([&] { return backend.cuDevicePrimaryCtxRetain(0, handle, device); }) == invalid);
    CHECK(result([&] { return backend.cuDevicePrimaryCtxRelease_v2(0, device); }) == invalid);
    CHECK(result([&] { return backend.cuDevicePrimaryCtxReset_v2(0, device); }) == invalid);
    CHECK(result([&] { return backend.cuDevicePrimaryCtxSetFlags_v2(0, device, 0); }) == invalid);
    CHECK(result([&] { return backend.cuDevicePrimaryCtxGetState(0, device, flags, active); }) == invalid);
    CHECK(result([&] { return backend.vgpuContextCreate(0, handle, 0, device); }) == invalid);
  }
}

TEST_CASE_FIXTURE(SoftwareFixture, "contexts that programs create") {
  Handle created = 0;
  CHECK(backend.vgpuContextCreate(0, created, CU_CTX_SCHED_YIELD, 0) == CUDA_SUCCESS);
  CHECK(created != context);
  std::uint32_t flags = 0;
  CHECK(backend.cuCtxGetFlags(created, flags) == CUDA_SUCCESS);
  CHECK(flags == CU_CTX_SCHED_YIELD);
  std::int32_t device = -1;
  CHECK(backend.vgpuContextDevice(0, device, created) == CUDA_SUCCESS);
  CHECK(device == 0);

  CHECK(backend.vgpuContextDestroy(0, created) == CUDA_SUCCESS);
  CHECK(result([&] { return backend.cuCtxSynchronize(created); }) == CUDA_ERROR_CONTEXT_IS_DESTROYED);
  CHECK(result([&] { return backend.vgpuContextDestroy(0, created); }) == CUDA_ERROR_CONTEXT_IS_DESTROYED);
  CHECK(result([&] { return backend.vgpuContextDevice(0, device, created); }) ==
        CUDA_ERROR_CONTEXT_IS_DESTROYED);
}

TEST_CASE_FIXTURE(SoftwareFixture, "a handle that is no context") {
  Handle stream = 0;
  REQUIRE(backend.cuStreamCreate(context, stream, 0) == CUDA_SUCCESS);
  for (const Handle handle : {Handle{0}, Handle{1}, stream, ~Handle{0}, context + (1 << 20)}) {
    CAPTURE(handle);
    CHECK(result([&] { return backend.cuCtxSynchronize(handle); }) == CUDA_ERROR_INVALID_CONTEXT);
    CHECK(result([&] { return backend.vgpuContextDestroy(0, handle); }) == CUDA_ERROR_INVALID_CONTEXT);
  }
  CHECK_MESSAGE(result([&] { return backend.vgpuContextDestroy(0, context); }) == CUDA_ERROR_INVALID_CONTEXT,
                "the primary context is only ever released");
}

TEST_CASE_FIXTURE(SoftwareFixture, "context flags") {
  for (const std::uint32_t flags : {0x100U, ~0U, 3U, 7U}) {
    CAPTURE(flags);
    Handle created = 0;
    CHECK(result([&] { return backend.vgpuContextCreate(0, created, flags, 0); }) ==
          CUDA_ERROR_INVALID_VALUE);
    CHECK(result([&] { return backend.cuDevicePrimaryCtxSetFlags_v2(0, 0, flags); }) ==
          CUDA_ERROR_INVALID_VALUE);
  }
  CHECK(backend.cuDevicePrimaryCtxSetFlags_v2(0, 0, CU_CTX_SCHED_BLOCKING_SYNC | CU_CTX_MAP_HOST) ==
        CUDA_SUCCESS);
  std::uint32_t flags = 0;
  CHECK(backend.cuCtxGetFlags(context, flags) == CUDA_SUCCESS);
  CHECK(flags == (CU_CTX_SCHED_BLOCKING_SYNC | CU_CTX_MAP_HOST));
}

TEST_CASE_FIXTURE(SoftwareFixture, "context limits") {
  std::uint64_t value = 0;
  CHECK(backend.cuCtxSetLimit(context, CU_LIMIT_MALLOC_HEAP_SIZE, 12345) == CUDA_SUCCESS);
  CHECK(backend.cuCtxGetLimit(context, value, CU_LIMIT_MALLOC_HEAP_SIZE) == CUDA_SUCCESS);
  CHECK(value == 12345);
  for (const std::int32_t limit : {CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH, CU_LIMIT_PERSISTING_L2_CACHE_SIZE,
                                   CU_LIMIT_CIG_SHMEM_FALLBACK_ENABLED}) {
    CAPTURE(limit);
    CHECK(result([&] { return backend.cuCtxSetLimit(context, limit, 1); }) == CUDA_ERROR_UNSUPPORTED_LIMIT);
    CHECK(result([&] { return backend.cuCtxGetLimit(context, value, limit); }) ==
          CUDA_ERROR_UNSUPPORTED_LIMIT);
  }
  for (const std::int32_t limit : {-1, 10, INT32_MIN, INT32_MAX}) {
    CAPTURE(limit);
    CHECK(result([&] { return backend.cuCtxGetLimit(context, value, limit); }) == CUDA_ERROR_INVALID_VALUE);
  }
}

TEST_CASE_FIXTURE(SoftwareFixture, "every call that needs a context says so") {
  std::uint64_t u64 = 0;
  std::uint32_t u32 = 0;
  std::int32_t i32 = 0;
  float f32 = 0;
  const auto check = [this](const char* name, auto call) {
    CAPTURE(name);
    CHECK(result(call) == CUDA_ERROR_INVALID_CONTEXT);
  };
  check("cuCtxSynchronize", [&] { return backend.cuCtxSynchronize(0); });
  check("vgpuContextSynchronize", [&] { return backend.vgpuContextSynchronize(0); });
  check("cuCtxGetFlags", [&] { return backend.cuCtxGetFlags(0, u32); });
  check("cuCtxSetLimit", [&] { return backend.cuCtxSetLimit(0, 0, 1); });
  check("cuCtxGetLimit", [&] { return backend.cuCtxGetLimit(0, u64, 0); });
  check("vgpuModuleLoad", [&] { return backend.vgpuModuleLoad(0, u64, {}); });
  check("cuModuleUnload", [&] { return backend.cuModuleUnload(0, 1); });
  check("cuModuleGetFunction", [&] { return backend.cuModuleGetFunction(0, u64, 1, "f"); });
  check("cuModuleGetGlobal", [&] { return backend.vgpuModuleGetGlobal(0, u64, u64, u64, 1, "f"); });
  check("cuModuleGetFunctionCount", [&] { return backend.cuModuleGetFunctionCount(0, u32, 1); });
  check("vgpuModuleFunctions", [&] { return backend.vgpuModuleFunctions(0, {}, 1); });
  check("vgpuFunctionNameLength", [&] { return backend.vgpuFunctionNameLength(0, u64, 1); });
  check("vgpuFunctionName", [&] { return backend.vgpuFunctionName(0, {}, 1); });
  check("cuFuncGetAttribute", [&] { return backend.cuFuncGetAttribute(0, i32, 0, 1); });
  check("cuFuncSetAttribute", [&] { return backend.cuFuncSetAttribute(0, 1, 8, 0); });
  check("cuFuncGetModule", [&] { return backend.cuFuncGetModule(0, u64, 1); });
  check("cuFuncGetParamInfo", [&] { return backend.cuFuncGetParamInfo(0, 1, 0, u64, u64); });
  check("vgpuLaunchKernel", [&] { return backend.vgpuLaunchKernel(0, 1, 1, 1, 1, 1, 1, 1, 0, 0, {}); });
  check("cuMemGetInfo", [&] { return backend.cuMemGetInfo_v2(0, u64, u64); });
  check("cuMemAlloc", [&] { return backend.cuMemAlloc_v2(0, u64, 1); });
  check("cuMemAllocPitch", [&] { return backend.cuMemAllocPitch_v2(0, u64, u64, 1, 1, 4); });
  check("cuMemFree", [&] { return backend.vgpuMemFree(0, 1); });
  check("cuMemGetAddressRange", [&] { return backend.cuMemGetAddressRange_v2(0, u64, u64, 1); });
  check("vgpuCopyToDevice", [&] { return backend.vgpuCopyToDevice(0, 1, {}, 0, 0); });
  check("vgpuCopyFromDevice", [&] { return backend.vgpuCopyFromDevice(0, {}, 1, 0, 0); });
  check("vgpuCopyOnDevice", [&] { return backend.vgpuCopyOnDevice(0, 1, 1, 0, 0); });
  check("vgpuCopyRowsToDevice", [&] { return backend.vgpuCopyRowsToDevice(0, 1, 1, {}, 0, 0, 0); });
  check("vgpuCopyRowsFromDevice", [&] { return backend.vgpuCopyRowsFromDevice(0, {}, 1, 1, 0, 0, 0); });
  check("vgpuCopyRowsOnDevice", [&] { return backend.vgpuCopyRowsOnDevice(0, 1, 1, 1, 1, 0, 0, 0); });
  check("vgpuFill", [&] { return backend.vgpuFill(0, 1, 1, 0, 1, 0, 0, 0); });
  check("cuStreamCreate", [&] { return backend.cuStreamCreate(0, u64, 0); });
  check("cuStreamGetFlags", [&] { return backend.cuStreamGetFlags(0, 0, u32); });
  check("cuStreamGetPriority", [&] { return backend.cuStreamGetPriority(0, 0, i32); });
  check("cuStreamGetCtx", [&] { return backend.cuStreamGetCtx(0, 0, u64); });
  check("cuStreamGetId", [&] { return backend.cuStreamGetId(0, 0, u64); });
  check("vgpuStreamWaitEvent", [&] { return backend.vgpuStreamWaitEvent(0, 0, 1, 0); });
  check("cuStreamQuery", [&] { return backend.cuStreamQuery(0, 0); });
  check("cuStreamSynchronize", [&] { return backend.cuStreamSynchronize(0, 0); });
  check("cuStreamDestroy", [&] { return backend.cuStreamDestroy_v2(0, 1); });
  check("cuEventCreate", [&] { return backend.cuEventCreate(0, u64, 0); });
  check("vgpuEventRecord", [&] { return backend.vgpuEventRecord(0, 1, 0); });
  check("cuEventQuery", [&] { return backend.cuEventQuery(0, 1); });
  check("cuEventSynchronize", [&] { return backend.cuEventSynchronize(0, 1); });
  check("cuEventDestroy", [&] { return backend.cuEventDestroy_v2(0, 1); });
  check("cuEventElapsedTime", [&] { return backend.cuEventElapsedTime(0, f32, 1, 1); });
}
