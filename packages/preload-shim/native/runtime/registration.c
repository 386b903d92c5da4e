// What nvcc's generated code calls: in the program's constructors, and around every <<<…>>> launch.
#include <stdlib.h>

#include "guest_api.h"
#include "log.h"
#include "process.h"
#include "runtime/last_error.h"
#include "runtime/modules.h"

void** __cudaRegisterFatBinary(void* fatCubin) {
  struct vgpu_fat_binary* binary = vgpu_modules_add(fatCubin);
  // The caller cannot be told; its kernels will be unknown.
  if (binary == NULL) vgpu_log("no memory to register a fat binary");
  return (void**)binary;
}

void __cudaRegisterFatBinaryEnd(void** fatCubinHandle) {
  (void)fatCubinHandle;  // the image was not parsed when it was announced, so there is nothing to finish
}

void __cudaUnregisterFatBinary(void** fatCubinHandle) {
  vgpu_modules_remove((struct vgpu_fat_binary*)fatCubinHandle);
}

// The parameters after the name are those of compilers before CUDA 4; nvcc passes -1 and NULL.
void __cudaRegisterFunction(void** fatCubinHandle, const char* hostFun, char* deviceFun,
                            const char* deviceName, int thread_limit, uint3* tid, uint3* bid, dim3* bDim,
                            dim3* gDim, int* wSize) {
  (void)deviceFun, (void)thread_limit, (void)tid, (void)bid, (void)bDim, (void)gDim, (void)wSize;
  if (fatCubinHandle == NULL) return;
  vgpu_modules_add_kernel((struct vgpu_fat_binary*)fatCubinHandle, hostFun, deviceName);
}

void __cudaRegisterVar(void** fatCubinHandle, char* hostVar, char* deviceAddress, const char* deviceName,
                       int ext, size_t size, int constant, int global) {
  (void)deviceAddress, (void)ext, (void)constant, (void)global;
  if (fatCubinHandle == NULL) return;
  vgpu_modules_add_variable((struct vgpu_fat_binary*)fatCubinHandle, hostVar, deviceName, size);
}

// The program reaches the variable through *hostVarPtrAddress, after it has called __cudaInitModule.
void __cudaRegisterManagedVar(void** fatCubinHandle, void** hostVarPtrAddress, char* deviceAddress,
                              const char* deviceName, int ext, size_t size, int constant, int global) {
  (void)deviceAddress, (void)ext, (void)constant, (void)global;
  if (fatCubinHandle == NULL) return;
  vgpu_modules_add_managed((struct vgpu_fat_binary*)fatCubinHandle, hostVarPtrAddress, deviceName, size);
}

// Called before a managed variable is used; 0 makes the program ask again next time.
char __cudaInitModule(void** fatCubinHandle) {
  if (fatCubinHandle == NULL) return 0;
  return vgpu_runtime_result(vgpu_modules_load((struct vgpu_fat_binary*)fatCubinHandle)) == cudaSuccess;
}

struct call_configuration {
  dim3 grid;
  dim3 block;
  size_t shared_bytes;
  cudaStream_t stream;
};

// Pushed by <<<…>>>, popped by the stub of the kernel; more than one only where an argument launches by
// itself.
enum { NESTED_LAUNCHES = 16 };

static _Thread_local struct call_configuration configurations[NESTED_LAUNCHES];
static _Thread_local unsigned int configuration_count;

unsigned int __cudaPushCallConfiguration(dim3 gridDim, dim3 blockDim, size_t sharedMem,
                                         struct CUstream_st* stream) {
  // Anything but 0 keeps the caller from launching.
  if (configuration_count == NESTED_LAUNCHES) return vgpu_runtime_result(cudaErrorMemoryAllocation);
  configurations[configuration_count++] = (struct call_configuration){
      .grid = gridDim,
      .block = blockDim,
      .shared_bytes = sharedMem,
      .stream = stream,
  };
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* gridDim, dim3* blockDim, size_t* sharedMem, void* stream) {
  if (configuration_count == 0) return vgpu_runtime_result(cudaErrorMissingConfiguration);
  const struct call_configuration* configuration = &configurations[--configuration_count];
  *gridDim = configuration->grid;
  *blockDim = configuration->block;
  *sharedMem = configuration->shared_bytes;
  *(cudaStream_t*)stream = configuration->stream;
  return cudaSuccess;
}
