// The part of the CUDA driver API that the C programs here use, declared from its documentation and found in
// libcuda.so.1 at run time: they build with any C compiler, without CUDA's headers or libraries.
#ifndef VGPU_TEST_DRIVER_H
#define VGPU_TEST_DRIVER_H

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st* CUcontext;
typedef struct CUmod_st* CUmodule;
typedef struct CUfunc_st* CUfunction;
typedef struct CUstream_st* CUstream;
typedef struct CUlinkState_st* CUlinkState;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_FILE_NOT_FOUND = 301,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_LAUNCH_TIMEOUT = 702,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_NOT_SUPPORTED = 801
};

#define CU_LAUNCH_PARAM_END ((void*)0)
#define CU_LAUNCH_PARAM_BUFFER_POINTER ((void*)1)
#define CU_LAUNCH_PARAM_BUFFER_SIZE ((void*)2)

// Name in the source, name in the library, parameters. The library keeps an old function under the plain name
// where a later version changed it.
#define DRIVER_FUNCTIONS(F)                                                                                 \
  F(cuInit, "cuInit", (unsigned int flags))                                                                 \
  F(cuDeviceGet, "cuDeviceGet", (CUdevice * device, int ordinal))                                           \
  F(cuDeviceGetName, "cuDeviceGetName", (char* name, int bytes, CUdevice device))                           \
  F(cuDeviceTotalMem, "cuDeviceTotalMem_v2", (size_t * bytes, CUdevice device))                             \
  F(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", (CUcontext * context, CUdevice device))           \
  F(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (CUdevice device))                           \
  F(cuDevicePrimaryCtxReset, "cuDevicePrimaryCtxReset_v2", (CUdevice device))                               \
  F(cuCtxSetCurrent, "cuCtxSetCurrent", (CUcontext context))                                                \
  F(cuCtxSynchronize, "cuCtxSynchronize", (void))                                                           \
  F(cuModuleLoadData, "cuModuleLoadData", (CUmodule * module, const void* image))                           \
  F(cuModuleUnload, "cuModuleUnload", (CUmodule module))                                                    \
  F(cuModuleGetFunction, "cuModuleGetFunction", (CUfunction * function, CUmodule module, const char* name)) \
  F(cuModuleGetGlobal, "cuModuleGetGlobal_v2",                                                              \
    (CUdeviceptr * address, size_t * bytes, CUmodule module, const char* name))                             \
  F(cuLinkCreate, "cuLinkCreate_v2", (unsigned int count, int* options, void** values, CUlinkState* link))  \
  F(cuLinkAddData, "cuLinkAddData_v2",                                                                      \
    (CUlinkState link, int type, void* data, size_t bytes, const char* name, unsigned int count,            \
     int* options, void** values))                                                                          \
  F(cuLinkAddFile, "cuLinkAddFile_v2",                                                                      \
    (CUlinkState link, int type, const char* path, unsigned int count, int* options, void** values))        \
  F(cuLinkComplete, "cuLinkComplete", (CUlinkState link, void** image, size_t* bytes))                      \
  F(cuLinkDestroy, "cuLinkDestroy", (CUlinkState link))                                                     \
  F(cuMemAlloc, "cuMemAlloc_v2", (CUdeviceptr * address, size_t bytes))                                     \
  F(cuMemFree, "cuMemFree_v2", (CUdeviceptr address))                                                       \
  F(cuMemcpyHtoD, "cuMemcpyHtoD_v2", (CUdeviceptr to, const void* from, size_t bytes))                      \
  F(cuMemcpyDtoH, "cuMemcpyDtoH_v2", (void* to, CUdeviceptr from, size_t bytes))                            \
  F(cuMemcpyDtoD, "cuMemcpyDtoD_v2", (CUdeviceptr to, CUdeviceptr from, size_t bytes))                      \
  F(cuMemsetD8, "cuMemsetD8_v2", (CUdeviceptr to, unsigned char value, size_t count))                       \
  F(cuMemsetD32, "cuMemsetD32_v2", (CUdeviceptr to, unsigned int value, size_t count))                      \
  F(cuStreamCreate, "cuStreamCreate", (CUstream * stream, unsigned int flags))                              \
  F(cuStreamSynchronize, "cuStreamSynchronize", (CUstream stream))                                          \
  F(cuStreamDestroy, "cuStreamDestroy_v2", (CUstream stream))                                               \
  F(cuLaunchKernel, "cuLaunchKernel",                                                                       \
    (CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,                    \
     unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes,           \
     CUstream stream, void** parameters, void** extra))

#define DECLARE_DRIVER_FUNCTION(name, symbol, parameters) static CUresult(*name) parameters;
DRIVER_FUNCTIONS(DECLARE_DRIVER_FUNCTION)

#define REQUIRE(condition, ...)                     \
  do {                                              \
    if (!(condition)) {                             \
      printf("FAILED %s:%d: ", __FILE__, __LINE__); \
      printf(__VA_ARGS__);                          \
      printf("\n");                                 \
      exit(1);                                      \
    }                                               \
  } while (0)

#define EXPECT_STATUS(call, expected)                                                         \
  do {                                                                                        \
    const CUresult expect_status = (call);                                                    \
    REQUIRE(expect_status == (expected), "%s returned %d, expected %d", #call, expect_status, \
            (int)(expected));                                                                 \
  } while (0)

#define CHECK(call) EXPECT_STATUS(call, CUDA_SUCCESS)

static void* driver_symbol(void* library, const char* symbol) {
  void* address = dlsym(library, symbol);
  REQUIRE(address != NULL, "libcuda.so.1 lacks %s", symbol);
  return address;
}

static void load_driver(void) {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != NULL, "%s", dlerror());
// ISO C has no conversion from an object pointer to a function pointer; POSIX promises that the bits agree.
#define LOAD_DRIVER_FUNCTION(name, symbol, parameters) *(void**)&name = driver_symbol(library, symbol);
  DRIVER_FUNCTIONS(LOAD_DRIVER_FUNCTION)
}

/// Loads the driver and makes the first device's primary context current.
static inline CUdevice open_device(void) {
  CUdevice device = -1;
  CUcontext context = NULL;
  load_driver();
  CHECK(cuInit(0));
  CHECK(cuDeviceGet(&device, 0));
  CHECK(cuDevicePrimaryCtxRetain(&context, device));
  CHECK(cuCtxSetCurrent(context));
  return device;
}

/// The whole file as a string; the caller frees it.
static inline char* read_text(const char* path) {
  FILE* file = fopen(path, "rb");
  REQUIRE(file != NULL, "cannot open %s", path);
  REQUIRE(fseek(file, 0, SEEK_END) == 0, "cannot seek in %s", path);
  const long bytes = ftell(file);
  REQUIRE(bytes >= 0, "cannot tell the size of %s", path);
  rewind(file);
  char* text = malloc((size_t)bytes + 1);
  REQUIRE(text != NULL, "no memory for %s", path);
  REQUIRE(fread(text, 1, (size_t)bytes, file) == (size_t)bytes, "cannot read %s", path);
  text[bytes] = 0;
  fclose(file);
  return text;
}

#endif
