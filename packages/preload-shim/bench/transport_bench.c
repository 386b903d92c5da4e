// A CUDA program that measures its connection to the executor and prints one line of JSON. See transport.mjs,
// which runs it once for each transport.
//   transport_bench calls | copies | idle
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest_api.h"

enum {
  ROUND_TRIPS = 20000,
  BURST = 5000,  // fits into the ring as a whole
  SUSTAINED = 400000,
  LAUNCHES = 20000,
  COPY_ROUNDS = 7,
};

static const size_t COPY_BYTES = (size_t)256 << 20;

static const char KERNEL[] =
    ".version 7.0\n"
    ".target sm_75\n"
    ".address_size 64\n"
    ".visible .entry nothing() { ret; }\n";

static void check(CUresult result, const char* what) {
  if (result == CUDA_SUCCESS) return;
  fprintf(stderr, "transport_bench: %s returned %d\n", what, (int)result);
  exit(1);
}

#define CHECK(call) check(call, #call)

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int ascending(const void* left, const void* right) {
  const double a = *(const double*)left;
  const double b = *(const double*)right;
  return (a > b) - (a < b);
}

// Sorts `values`.
static double quantile(double* values, size_t count, double part) {
  qsort(values, count, sizeof(*values), ascending);
  return values[(size_t)((double)(count - 1) * part)];
}

static void start(void) {
  CUcontext context;
  CHECK(cuInit(0));
  CHECK(cuDevicePrimaryCtxRetain(&context, 0));
  CHECK(cuCtxSetCurrent(context));
}

// A call that the executor answers without doing anything.
static void measure_round_trip(void) {
  static double times[ROUND_TRIPS];
  for (int i = 0; i < ROUND_TRIPS; ++i) {
    const double begin = now();
    CHECK(cuCtxSynchronize());
    times[i] = (now() - begin) * 1e6;
  }
  const double median = quantile(times, ROUND_TRIPS, 0.5);
  printf("\"roundTripMicroseconds\":%.3f,\"roundTripMicroseconds99\":%.3f,", median,
         quantile(times, ROUND_TRIPS, 0.99));
}

static CUevent event;
static CUfunction kernel;

static void record(void) {
  CHECK(cuEventRecord(event, NULL));
}

static void launch(void) {
  CHECK(cuLaunchKernel(kernel, 1, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL));
}

// Calls per second: until the last one has returned, and until all have been executed.
static void measure_deferred(const char* name, void (*call)(void), int count) {
  CHECK(cuCtxSynchronize());
  const double begin = now();
  for (int i = 0; i < count; ++i) call();
  const double accepted = now() - begin;
  CHECK(cuCtxSynchronize());
  const double executed = now() - begin;
  printf("\"%sAcceptedPerSecond\":%.0f,\"%sExecutedPerSecond\":%.0f,", name, count / accepted, name,
         count / executed);
}

static void measure_calls(void) {
  CUmodule module;
  CHECK(cuEventCreate(&event, 0));
  CHECK(cuModuleLoadData(&module, KERNEL));
  CHECK(cuModuleGetFunction(&kernel, module, "nothing"));
  launch();
  measure_round_trip();
  measure_deferred("burst", record, BURST);
  measure_deferred("record", record, SUSTAINED);
  measure_deferred("launch", launch, LAUNCHES);
  printf("\"done\":true}\n");
}

static void* touched(unsigned char content) {
  void* memory = malloc(COPY_BYTES);
  if (memory == NULL) check(CUDA_ERROR_OUT_OF_MEMORY, "malloc");
  memset(memory, content, COPY_BYTES);
  return memory;
}

// Each round measures all three, so that whatever else the machine does hits all alike.
static void measure_copies(void) {
  void* source = touched(1);
  void* destination = touched(2);
  CUdeviceptr device;
  CHECK(cuMemAlloc_v2(&device, COPY_BYTES));
  CHECK(cuMemcpyHtoD_v2(device, source, COPY_BYTES));
  double plain[COPY_ROUNDS];
  double to_device[COPY_ROUNDS];
  double from_device[COPY_ROUNDS];
  for (int round = 0; round < COPY_ROUNDS; ++round) {
    const double begin = now();
    memcpy(destination, source, COPY_BYTES);
    const double copied = now();
    CHECK(cuMemcpyHtoD_v2(device, source, COPY_BYTES));
    const double sent = now();
    CHECK(cuMemcpyDtoH_v2(destination, device, COPY_BYTES));
    plain[round] = copied - begin;
    to_device[round] = plain[round] / (sent - copied);
    from_device[round] = plain[round] / (now() - sent);
  }
  printf("\"memcpyGigabytesPerSecond\":%.2f,\"toDeviceOfMemcpy\":%.3f,\"fromDeviceOfMemcpy\":%.3f}\n",
         (double)COPY_BYTES * 1e-9 / quantile(plain, COPY_ROUNDS, 0.5), quantile(to_device, COPY_ROUNDS, 0.5),
         quantile(from_device, COPY_ROUNDS, 0.5));
}

// Connected and doing nothing until standard input ends.
static void idle(void) {
  char byte;
  CHECK(cuCtxSynchronize());
  printf("\"idle\":true}\n");
  fflush(stdout);
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  start();
  printf("{");
  if (strcmp(mode, "calls") == 0) {
    measure_calls();
  } else if (strcmp(mode, "copies") == 0) {
    measure_copies();
  } else if (strcmp(mode, "idle") == 0) {
    idle();
  } else {
    fprintf(stderr, "usage: transport_bench calls | copies | idle\n");
    return 2;
  }
  return 0;
}
