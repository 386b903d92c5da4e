// The shortest CUDA program with a kernel: it stores a number, which is read back. Ends with 0 when the
// number is right, otherwise with 1 and the reason on stderr.
#include <dlfcn.h>
#include <stdio.h>

static const char kPtx[] =
    ".version 6.4\n.target sm_75\n.address_size 64\n"
    ".visible .entry store(.param .u64 result) {\n"
    ".reg .b64 %a;\n.reg .b32 %v;\n"
    "ld.param.u64 %a, [result];\nmov.u32 %v, 42;\nst.global.u32 [%a], %v;\nret;\n}\n";

// Calls a function of the driver, and ends the program when there is none or it fails.
#define CALL(name, types, ...)                               \
  do {                                                       \
    int(*name) types = (int(*) types)dlsym(driver, #name);   \
    const int error = name == NULL ? -1 : name(__VA_ARGS__); \
    if (error != 0) {                                        \
      (void)fprintf(stderr, "%s gives %d\n", #name, error);  \
      return 1;                                              \
    }                                                        \
  } while (0)

int main(void) {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (driver == NULL) {
    (void)fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  int device = 0;
  void* context = NULL;
  void* module = NULL;
  void* kernel = NULL;
  unsigned long long address = 0;
  int value = 0;
  void* parameters[] = {&address};
  CALL(cuInit, (unsigned), 0);
  CALL(cuDeviceGet, (int*, int), &device, 0);
  CALL(cuDevicePrimaryCtxRetain, (void**, int), &context, device);
  CALL(cuCtxSetCurrent, (void*), context);
  CALL(cuModuleLoadData, (void**, const void*), &module, kPtx);
  CALL(cuModuleGetFunction, (void**, void*, const char*), &kernel, module, "store");
  CALL(cuMemAlloc_v2, (unsigned long long*, size_t), &address, sizeof value);
  CALL(cuLaunchKernel,
       (void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**),
       kernel, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL);
  CALL(cuMemcpyDtoH_v2, (void*, unsigned long long, size_t), &value, address, sizeof value);
  if (value != 42) {
    (void)fprintf(stderr, "the kernel stored %d instead of 42\n", value);
    return 1;
  }
  return 0;
}
