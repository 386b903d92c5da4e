// Calls until a call fails, and prints which error that was and how long it took to come.
//   last_call calls   one short call after the other
//   last_call waits   one call that waits for a kernel without an end
//   last_call idle    none, until a line comes on stdin
// With LAST_CALL_RESET in its environment it then resets the device, through the "driver" API or the
// "runtime" API, and works on.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver.h"

static const char kEndless[] =
    ".version 7.0\n.target sm_75\n.address_size 64\n"
    ".visible .entry forever()\n{\nLOOP:\n  bra LOOP;\n}\n";

static void launch_endless_kernel(void) {
  CUmodule module;
  CUfunction forever;
  CHECK(cuModuleLoadData(&module, kEndless));
  CHECK(cuModuleGetFunction(&forever, module, "forever"));
  CHECK(cuLaunchKernel(forever, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
}

// The guest library is both APIs in one file.
static int reset_through_runtime(void) {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  REQUIRE(library != NULL, "libcuda.so.1 is not loaded: %s", dlerror());
  int (*reset)(void);
  *(void**)&reset = dlsym(library, "cudaDeviceReset");
  REQUIRE(reset != NULL, "cudaDeviceReset: %s", dlerror());
  return reset();
}

// The reset gives the program a new worker, in which everything works again.
static void start_anew(const char* api) {
  CUdevice device;
  CUcontext context;
  CUdeviceptr memory;
  unsigned int word = 0;
  if (strcmp(api, "driver") == 0) EXPECT_STATUS(cuDevicePrimaryCtxReset(99), CUDA_ERROR_INVALID_DEVICE);
  // The first device's number is 0; of it nobody can be asked now.
  CHECK(strcmp(api, "runtime") == 0 ? reset_through_runtime() : cuDevicePrimaryCtxReset(0));
  CHECK(cuDeviceGet(&device, 0));
  CHECK(cuDevicePrimaryCtxRetain(&context, device));
  CHECK(cuCtxSetCurrent(context));
  CHECK(cuMemAlloc(&memory, sizeof(word)));
  CHECK(cuMemsetD32(memory, 7, 1));
  CHECK(cuMemcpyDtoH(&word, memory, sizeof(word)));
  REQUIRE(word == 7, "the new device has %u", word);
  printf("works again\n");
}

static long milliseconds(void) {
  struct timespec now;
  REQUIRE(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2, "usage: %s calls|waits|idle", argv[0]);
  CUdeviceptr memory;
  open_device();
  CHECK(cuMemAlloc(&memory, 1 << 20));
  if (strcmp(argv[1], "waits") == 0) launch_endless_kernel();
  printf("ready\n");
  fflush(stdout);
  if (strcmp(argv[1], "idle") == 0) REQUIRE(getchar() != EOF, "nobody says when");

  CUresult status = CUDA_SUCCESS;
  long begin = 0;
  while (status == CUDA_SUCCESS) {
    begin = milliseconds();
    status = cuCtxSynchronize();
  }
  printf("status %d after %ld ms\n", status, milliseconds() - begin);
  // It stays, and comes at once.
  begin = milliseconds();
  EXPECT_STATUS(cuMemAlloc(&memory, 16), status);
  REQUIRE(milliseconds() - begin < 1000, "the next call took %ld ms", milliseconds() - begin);
  const char* reset = getenv("LAST_CALL_RESET");
  if (reset != NULL) start_anew(reset);
  return 0;
}
