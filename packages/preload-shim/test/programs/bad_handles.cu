// Handles and pointers that are somebody else's or no longer anything: of another process, and of this one
// after they were destroyed. Every call refuses them with the error that cuda.h names; the other process
// loses nothing.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "driver_entry.h"

static const char kModule[] =
    ".version 7.0\n.target sm_75\n.address_size 64\n"
    ".visible .global .align 4 .u32 variable;\n"
    ".visible .entry nothing()\n{\n  ret;\n}\n";
constexpr std::size_t kBytes = 1 << 20;
constexpr unsigned char kSecret = 0xc3;

struct Handles {
  CUcontext context;
  CUmodule module;
  CUfunction function;
  CUlibrary library;
  CUkernel kernel;
  CUstream stream;
  CUevent event;
  CUgraph graph;
  CUgraphExec executable;
  CUmemoryPool pool;
  CUmemGenericAllocationHandle memory;
  CUdeviceptr pointer, in_order;
};

static CUmemAllocationProp device_memory() {
  CUmemAllocationProp what = {};
  what.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  what.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  return what;
}

/// One of each kind.
static Handles make_handles() {
  DRIVER(cuCtxCreate);
  DRIVER(cuCtxPopCurrent);
  DRIVER(cuModuleLoadData);
  DRIVER(cuModuleGetFunction);
  DRIVER(cuLibraryLoadData);
  DRIVER(cuLibraryGetKernel);
  DRIVER(cuKernelGetName);
  DRIVER(cuKernelGetLibrary);
  DRIVER(cuFuncLoad);
  DRIVER(cuFuncIsLoaded);
  DRIVER(cuStreamCreate);
  DRIVER(cuEventCreate);
  DRIVER(cuGraphCreate);
  DRIVER(cuGraphInstantiateWithFlags);
  DRIVER(cuMemPoolCreate);
  DRIVER(cuMemCreate);
  DRIVER(cuMemAlloc);
  DRIVER(cuMemAllocAsync);
  Handles made{};
  CUmemPoolProps pool = {};
  pool.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  pool.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  const CUmemAllocationProp memory = device_memory();
  CHECK(cudaFree(nullptr));
  RUN(cuCtxCreate_(&made.context, nullptr, 0, 0));
  RUN(cuCtxPopCurrent_(nullptr));
  RUN(cuModuleLoadData_(&made.module, kModule));
  RUN(cuModuleGetFunction_(&made.function, made.module, "nothing"));
  RUN(cuLibraryLoadData_(&made.library, kModule, nullptr, nullptr, 0, nullptr, nullptr, 0));
  RUN(cuLibraryGetKernel_(&made.kernel, made.library, "nothing"));
  const char* name = nullptr;
  CUlibrary library = nullptr;
  CUfunctionLoadingState state = CU_FUNCTION_LOADING_STATE_UNLOADED;
  RUN(cuKernelGetName_(&name, made.kernel));
  RUN(cuKernelGetLibrary_(&library, made.kernel));
  REQUIRE(std::strcmp(name, "nothing") == 0 && library == made.library, "the kernel is %s", name);
  RUN(cuFuncLoad_(made.function));
  RUN(cuFuncIsLoaded_(&state, made.function));
  REQUIRE(state == CU_FUNCTION_LOADING_STATE_LOADED, "state %d", state);
  RUN(cuStreamCreate_(&made.stream, 0));
  RUN(cuEventCreate_(&made.event, 0));
  RUN(cuGraphCreate_(&made.graph, 0));
  RUN(cuGraphInstantiateWithFlags_(&made.executable, made.graph, 0));
  RUN(cuMemPoolCreate_(&made.pool, &pool));
  RUN(cuMemCreate_(&made.memory, std::size_t{2} << 20, &memory, 0));
  RUN(cuMemAlloc_(&made.pointer, kBytes));
  RUN(cuMemAllocAsync_(&made.in_order, kBytes, nullptr));
  CHECK(cudaMemset(reinterpret_cast<void*>(made.pointer), kSecret, kBytes));
  return made;
}

static void destroy(const Handles& made) {
  DRIVER(cuCtxDestroy);
  DRIVER(cuModuleUnload);
  DRIVER(cuLibraryUnload);
  DRIVER(cuStreamDestroy);
  DRIVER(cuEventDestroy);
  DRIVER(cuGraphDestroy);
  DRIVER(cuGraphExecDestroy);
  DRIVER(cuMemPoolDestroy);
  DRIVER(cuMemRelease);
  DRIVER(cuMemFree);
  RUN(cuCtxDestroy_(made.context));
  RUN(cuModuleUnload_(made.module));
  RUN(cuLibraryUnload_(made.library));
  RUN(cuStreamDestroy_(made.stream));
  RUN(cuEventDestroy_(made.event));
  RUN(cuGraphExecDestroy_(made.executable));
  RUN(cuGraphDestroy_(made.graph));
  RUN(cuMemPoolDestroy_(made.pool));
  RUN(cuMemRelease_(made.memory));
  RUN(cuMemFree_(made.pointer));
  RUN(cuMemFree_(made.in_order));
}

static void expect_refused_code(const Handles& bad, CUresult bad_context) {
  DRIVER(cuCtxSetCurrent);
  DRIVER(cuCtxDestroy);
  DRIVER(cuModuleGetFunction);
  DRIVER(cuModuleGetGlobal);
  DRIVER(cuModuleUnload);
  DRIVER(cuFuncGetAttribute);
  DRIVER(cuFuncSetAttribute);
  DRIVER(cuLaunchKernel);
  DRIVER(cuLibraryGetKernel);
  DRIVER(cuLibraryGetModule);
  DRIVER(cuKernelGetFunction);
  DRIVER(cuKernelGetName);
  DRIVER(cuKernelGetLibrary);
  DRIVER(cuFuncLoad);
  CUfunction function = nullptr;
  CUmodule module = nullptr;
  CUkernel kernel = nullptr;
  CUdeviceptr address = 0;
  int value = 0;
  EXPECT(cuCtxSetCurrent_(bad.context), bad_context);
  EXPECT(cuCtxDestroy_(bad.context), bad_context);
  EXPECT(cuModuleGetFunction_(&function, bad.module, "nothing"), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuModuleGetGlobal_(&address, nullptr, bad.module, "variable"), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuModuleUnload_(bad.module), CUDA_ERROR_INVALID_HANDLE);
  const auto threads = CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK;
  EXPECT(cuFuncGetAttribute_(&value, threads, bad.function), CUDA_ERROR_INVALID_HANDLE);
  const auto shared = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
  EXPECT(cuFuncSetAttribute_(bad.function, shared, 0), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuLaunchKernel_(bad.function, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr),
         CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuLibraryGetKernel_(&kernel, bad.library, "nothing"), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuLibraryGetModule_(&module, bad.library), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuKernelGetFunction_(&function, bad.kernel), CUDA_ERROR_INVALID_HANDLE);
  const char* name = nullptr;
  CUlibrary library = nullptr;
  EXPECT(cuKernelGetName_(&name, bad.kernel), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuKernelGetLibrary_(&library, bad.kernel), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuFuncLoad_(bad.function), CUDA_ERROR_INVALID_HANDLE);
}

/// A call that is not waited for may say it at once, or leave it to the next one that is.
static void expect_refused_later(CUresult at_once) {
  const cudaError_t later = cudaDeviceSynchronize();
  REQUIRE(at_once == CUDA_ERROR_INVALID_HANDLE ||
              (at_once == CUDA_SUCCESS && later == cudaErrorInvalidResourceHandle),
          "gave %d, and %d later", at_once, later);
  static_cast<void>(cudaGetLastError());
}

static void expect_refused_order(const Handles& bad) {
  DRIVER(cuStreamSynchronize);
  DRIVER(cuStreamQuery);
  DRIVER(cuStreamWaitEvent);
  DRIVER(cuStreamDestroy);
  DRIVER(cuStreamBeginCapture);
  DRIVER(cuEventRecord);
  DRIVER(cuEventSynchronize);
  DRIVER(cuEventDestroy);
  DRIVER(cuGraphLaunch);
  DRIVER(cuGraphDestroy);
  DRIVER(cuGraphExecDestroy);
  DRIVER(cuGraphInstantiateWithFlags);
  CUgraphExec executable = nullptr;
  EXPECT(cuStreamSynchronize_(bad.stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuStreamQuery_(bad.stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuStreamBeginCapture_(bad.stream, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuStreamDestroy_(bad.stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuEventSynchronize_(bad.event), CUDA_ERROR_INVALID_HANDLE);
  EXPECT(cuEventDestroy_(bad.event), CUDA_ERROR_INVALID_HANDLE);
  expect_refused_later(cuEventRecord_(bad.event, nullptr));
  expect_refused_later(cuStreamWaitEvent_(nullptr, bad.event, 0));
  EXPECT(cuGraphInstantiateWithFlags_(&executable, bad.graph, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuGraphDestroy_(bad.graph), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuGraphLaunch_(bad.executable, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT(cuGraphExecDestroy_(bad.executable), CUDA_ERROR_INVALID_VALUE);
}

static void expect_refused_memory(const Handles& bad) {
  DRIVER(cuMemPoolTrimTo);
  DRIVER(cuMemPoolDestroy);
  DRIVER(cuMemAllocFromPoolAsync);
  DRIVER(cuMemRelease);
  DRIVER(cuMemGetAllocationPropertiesFromHandle);
  DRIVER(cuMemGetAddressRange);
  DRIVER(cuMemFree);
  DRIVER(cuMemFreeAsync);
  DRIVER(cuMemcpyHtoD);
  DRIVER(cuMemcpyDtoH);
  DRIVER(cuMemsetD8);
  CUmemAllocationProp properties;
  CUdeviceptr address = 0;
  std::size_t bytes = 0;
  char byte = 0;
  const auto invalid = CUDA_ERROR_INVALID_VALUE;
  EXPECT(cuMemPoolTrimTo_(bad.pool, 0), invalid);
  EXPECT(cuMemAllocFromPoolAsync_(&address, 64, bad.pool, nullptr), invalid);
  EXPECT(cuMemPoolDestroy_(bad.pool), invalid);
  EXPECT(cuMemGetAllocationPropertiesFromHandle_(&properties, bad.memory), invalid);
  EXPECT(cuMemRelease_(bad.memory), invalid);
  for (const CUdeviceptr pointer : {bad.pointer, bad.in_order}) {
    EXPECT(cuMemGetAddressRange_(&address, &bytes, pointer), CUDA_ERROR_NOT_FOUND);
    EXPECT(cuMemFree_(pointer), invalid);
    EXPECT(cuMemFreeAsync_(pointer, nullptr), invalid);
    EXPECT(cuMemcpyHtoD_(pointer, &byte, 1), invalid);
    EXPECT(cuMemcpyDtoH_(&byte, pointer, 1), invalid);
    EXPECT(cuMemsetD8_(pointer, 1, 1), invalid);
  }
}

static void expect_refused(const Handles& bad, CUresult bad_context) {
  expect_refused_code(bad, bad_context);
  expect_refused_order(bad);
  expect_refused_memory(bad);
  CHECK(cudaDeviceSynchronize());
}

/// Makes so much that its numbers are nobody else's, tells them, and waits until they have been tried.
[[noreturn]] static void be_another_process(int tell, int wait) {
  void* far = nullptr;
  CHECK(cudaMalloc(&far, std::size_t{64} << 20));
  Handles made{};
  for (int i = 0; i < 20; ++i) made = make_handles();
  char answer = 0;
  REQUIRE(write(tell, &made, sizeof made) == sizeof made, "the handles could not be told");
  REQUIRE(read(wait, &answer, 1) == 1, "the other process has died");
  std::vector<unsigned char> bytes(kBytes);
  CHECK(cudaMemcpy(bytes.data(), reinterpret_cast<void*>(made.pointer), kBytes, cudaMemcpyDeviceToHost));
  for (const unsigned char byte : bytes) REQUIRE(byte == kSecret, "a byte has become %d", byte);
  destroy(made);
  CHECK(cudaDeviceSynchronize());
  _exit(0);
}

static void test_another_process() {
  int tell[2], wait[2], status = -1;
  REQUIRE(pipe(tell) == 0 && pipe(wait) == 0, "no pipes");
  const pid_t other = fork();
  REQUIRE(other >= 0, "no process");
  // Each holds its own ends alone, so that it notices when the other dies.
  if (other == 0) {
    close(tell[0]);
    close(wait[1]);
    be_another_process(tell[1], wait[0]);
  }
  Handles foreign;
  close(wait[0]);
  close(tell[1]);
  REQUIRE(read(tell[0], &foreign, sizeof foreign) == sizeof foreign, "the other process has died");
  CHECK(cudaFree(nullptr));
  expect_refused(foreign, CUDA_ERROR_INVALID_CONTEXT);
  REQUIRE(write(wait[1], "x", 1) == 1, "the other process does not listen");
  REQUIRE(waitpid(other, &status, 0) == other && status == 0, "the other process ended with %x", status);
}

int main() {
  test_another_process();
  const Handles stale = make_handles();
  destroy(stale);
  expect_refused(stale, CUDA_ERROR_CONTEXT_IS_DESTROYED);
  destroy(make_handles());
  return passed("handles that are stale or another process's are refused");
}
