// What tools such as nvidia-smi ask NVML, and that it agrees with the driver.
//   nvml measured|unmeasured   whether the executor knows how long kernels run
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "driver.h"

enum { NVML_NOT_SUPPORTED = 3, NVML_INSUFFICIENT_SIZE = 7, NVML_VERSION_MISMATCH = 25, MEGABYTE = 1 << 20 };

typedef struct nvmlDevice_st* nvmlDevice_t;

struct memory {
  unsigned long long total, free, used;
};
struct memory_v2 {
  unsigned int version;
  unsigned long long total, reserved, free, used;
};
struct process_v1 {
  unsigned int pid;
  unsigned long long bytes;
};
struct process {
  unsigned int pid;
  unsigned long long bytes;
  unsigned int gpu_instance, compute_instance;
};

struct utilization {
  unsigned int gpu, memory;
};
struct process_utilization {
  unsigned int pid;
  unsigned long long time;
  unsigned int gpu, memory, encoder, decoder;
};

static void* library;

#define FIND(result, name, parameters) \
  result(*name) parameters = (result(*) parameters)driver_symbol(library, #name)

/// Of this process, in a list that may hold others.
static unsigned long long own_bytes(const struct process* processes, unsigned int count) {
  for (unsigned int i = 0; i < count; ++i) {
    if (processes[i].pid == (unsigned int)getpid()) return processes[i].bytes;
  }
  REQUIRE(0, "process %d is not among %u", (int)getpid(), count);
  return 0;
}

// Ends after a tenth of a second.
static const char kWait[] =
    ".version 7.0\n.target sm_75\n.address_size 64\n"
    ".visible .entry wait()\n{\n"
    "  .reg .b64 %rd<4>;\n  .reg .pred %p<2>;\n"
    "  mov.u64 %rd1, %globaltimer;\n"
    "LOOP:\n"
    "  mov.u64 %rd2, %globaltimer;\n"
    "  sub.u64 %rd3, %rd2, %rd1;\n"
    "  setp.lt.u64 %p1, %rd3, 100000000;\n"
    "  @%p1 bra LOOP;\n"
    "  ret;\n}\n";

static void be_busy(void) {
  CUmodule module;
  CUfunction wait;
  CHECK(cuModuleLoadData(&module, kWait));
  CHECK(cuModuleGetFunction(&wait, module, "wait"));
  for (int i = 0; i < 13; ++i) CHECK(cuLaunchKernel(wait, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
  CHECK(cuCtxSynchronize());
}

static void test_utilization(nvmlDevice_t device) {
  enum { ROOM = 256, SECOND = 1000000 };
  FIND(int, nvmlDeviceGetUtilizationRates, (nvmlDevice_t, struct utilization*));
  FIND(int, nvmlDeviceGetProcessUtilization,
       (nvmlDevice_t, struct process_utilization*, unsigned int*, unsigned long long));
  static struct process_utilization processes[ROOM];
  unsigned int count = 0, own = 0;
  struct utilization rates = {0, 0};
  be_busy();
  CHECK(nvmlDeviceGetUtilizationRates(device, &rates));
  REQUIRE(rates.gpu > 50 && rates.gpu <= 100, "%u %% after a busy second", rates.gpu);
  EXPECT_STATUS(nvmlDeviceGetProcessUtilization(device, NULL, &count, 0), NVML_INSUFFICIENT_SIZE);
  count = ROOM;
  CHECK(nvmlDeviceGetProcessUtilization(device, processes, &count, 0));
  for (unsigned int i = 0; i < count; ++i) {
    if (processes[i].pid == (unsigned int)getpid()) own = processes[i].gpu;
  }
  REQUIRE(own > 50 && own <= 100, "%u %% of %u processes", own, count);
  REQUIRE(usleep(SECOND + SECOND / 5) == 0, "usleep");
  CHECK(nvmlDeviceGetUtilizationRates(device, &rates));
  // Other tests' programs may run beside this one, but not its own kernels.
  count = ROOM;
  CHECK(nvmlDeviceGetProcessUtilization(device, processes, &count, 0));
  for (unsigned int i = 0; i < count; ++i) {
    if (processes[i].pid == (unsigned int)getpid()) own = processes[i].gpu;
  }
  REQUIRE(own == 0 && rates.gpu <= 100, "%u %% after an idle second", own);
}

struct event {
  nvmlDevice_t device;
  unsigned long long type, data;
  unsigned int gpu_instance, compute_instance;
};

/// What happens to the device while one waits for its events: a kernel that stores where nothing is. The
/// context is dead after it.
static void test_xid_events(nvmlDevice_t device, int has_events) {
  enum { XID_CRITICAL_ERROR = 8, PAGE_FAULT = 31, TIMEOUT = 10, ILLEGAL_ADDRESS = 700 };
  static const char kStray[] =
      ".version 7.0\n.target sm_75\n.address_size 64\n"
      ".visible .entry stray()\n{\n"
      "  .reg .b64 %rd<2>;\n"
      "  mov.u64 %rd1, 0x10;\n"
      "  st.global.u64 [%rd1], %rd1;\n"
      "  ret;\n}\n";
  FIND(int, nvmlEventSetCreate, (void**));
  FIND(int, nvmlEventSetFree, (void*));
  FIND(int, nvmlDeviceGetSupportedEventTypes, (nvmlDevice_t, unsigned long long*));
  FIND(int, nvmlDeviceRegisterEvents, (nvmlDevice_t, unsigned long long, void*));
  FIND(int, nvmlEventSetWait_v2, (void*, struct event*, unsigned int));
  void* set = NULL;
  struct event event;
  unsigned long long types = 0;
  CHECK(nvmlEventSetCreate(&set));
  CHECK(nvmlDeviceGetSupportedEventTypes(device, &types));
  REQUIRE(types == (has_events ? XID_CRITICAL_ERROR : 0), "events %llx", types);
  EXPECT_STATUS(nvmlDeviceRegisterEvents(device, XID_CRITICAL_ERROR, set),
                has_events ? 0 : NVML_NOT_SUPPORTED);
  if (has_events) {
    CUmodule module;
    CUfunction stray;
    CHECK(cuModuleLoadData(&module, kStray));
    CHECK(cuModuleGetFunction(&stray, module, "stray"));
    CHECK(cuLaunchKernel(stray, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
    EXPECT_STATUS(cuCtxSynchronize(), ILLEGAL_ADDRESS);
    CHECK(nvmlEventSetWait_v2(set, &event, 1000));
    REQUIRE(event.device == device && event.type == XID_CRITICAL_ERROR && event.data == PAGE_FAULT,
            "Xid %llu", event.data);
    // Others may use the device, whose tests fail on purpose.
    int result = 0;
    for (int i = 0; result == 0 && i < 100; ++i) result = nvmlEventSetWait_v2(set, &event, 0);
    EXPECT_STATUS(result, TIMEOUT);
  }
  CHECK(nvmlEventSetFree(set));
}

static void test_no_utilization(nvmlDevice_t device) {
  struct utilization rates;
  unsigned int count = 0;
  FIND(int, nvmlDeviceGetUtilizationRates, (nvmlDevice_t, struct utilization*));
  FIND(int, nvmlDeviceGetProcessUtilization,
       (nvmlDevice_t, struct process_utilization*, unsigned int*, unsigned long long));
  EXPECT_STATUS(nvmlDeviceGetUtilizationRates(device, &rates), NVML_NOT_SUPPORTED);
  EXPECT_STATUS(nvmlDeviceGetProcessUtilization(device, NULL, &count, 0), NVML_NOT_SUPPORTED);
}

/// Programs built when the structure was smaller have no more room than that.
static void test_pci_info(nvmlDevice_t device) {
  enum { OF_FIRST_FORM = 32, OF_SECOND_FORM = 36, OF_THIRD_FORM = 68, UNTOUCHED = 0x5a };
  FIND(int, nvmlDeviceGetPciInfo, (nvmlDevice_t, void*));
  FIND(int, nvmlDeviceGetPciInfo_v2, (nvmlDevice_t, void*));
  FIND(int, nvmlDeviceGetPciInfo_v3, (nvmlDevice_t, void*));
  unsigned char forms[3][OF_THIRD_FORM + 1];
  memset(forms, UNTOUCHED, sizeof forms);
  CHECK(nvmlDeviceGetPciInfo(device, forms[0]));
  CHECK(nvmlDeviceGetPciInfo_v2(device, forms[1]));
  CHECK(nvmlDeviceGetPciInfo_v3(device, forms[2]));
  static const size_t kBytes[] = {OF_FIRST_FORM, OF_SECOND_FORM, OF_THIRD_FORM};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(memcmp(forms[i], forms[2], kBytes[i]) == 0, "form %d differs", i + 1);
    for (size_t j = kBytes[i]; j < sizeof forms[i]; ++j) {
      REQUIRE(forms[i][j] == UNTOUCHED, "form %d writes byte %zu", i + 1, j);
    }
  }
}

/// nvtop shows no GPU where it does not find each of these; it asks for the device and a number.
static void test_refused(nvmlDevice_t device) {
  static const char* const kNames[] = {
      "nvmlDeviceGetMaxPcieLinkGeneration",
      "nvmlDeviceGetMaxPcieLinkWidth",
      "nvmlDeviceGetCurrPcieLinkGeneration",
      "nvmlDeviceGetCurrPcieLinkWidth",
      "nvmlDeviceGetFanSpeed",
      "nvmlDeviceGetPowerUsage",
  };
  for (size_t i = 0; i < sizeof kNames / sizeof kNames[0]; ++i) {
    unsigned int number = 0;
    int (*ask)(nvmlDevice_t, unsigned int*) =
        (int (*)(nvmlDevice_t, unsigned int*))driver_symbol(library, kNames[i]);
    EXPECT_STATUS(ask(device, &number), NVML_NOT_SUPPORTED);
  }
  FIND(int, nvmlDeviceGetTemperature, (nvmlDevice_t, int, unsigned int*));
  FIND(int, nvmlDeviceGetTemperatureThreshold, (nvmlDevice_t, int, unsigned int*));
  unsigned int temperature = 0;
  EXPECT_STATUS(nvmlDeviceGetTemperature(device, 0, &temperature), NVML_NOT_SUPPORTED);
  EXPECT_STATUS(nvmlDeviceGetTemperatureThreshold(device, 0, &temperature), NVML_NOT_SUPPORTED);
}

int main(int argc, char** argv) {
  enum { ROOM = 256 };
  REQUIRE(argc == 2, "usage: %s measured|unmeasured", argv[0]);
  library = dlopen("libnvidia-ml.so.1", RTLD_NOW);
  REQUIRE(library != NULL, "%s", dlerror());
  FIND(int, nvmlInit_v2, (void));
  FIND(int, nvmlDeviceGetHandleByIndex_v2, (unsigned int, nvmlDevice_t*));
  FIND(int, nvmlDeviceGetMemoryInfo, (nvmlDevice_t, struct memory*));
  FIND(int, nvmlDeviceGetMemoryInfo_v2, (nvmlDevice_t, struct memory_v2*));
  FIND(int, nvmlDeviceGetComputeRunningProcesses, (nvmlDevice_t, unsigned int*, struct process_v1*));
  FIND(int, nvmlDeviceGetComputeRunningProcesses_v3, (nvmlDevice_t, unsigned int*, struct process*));
  FIND(int, nvmlDeviceGetGraphicsRunningProcesses_v3, (nvmlDevice_t, unsigned int*, struct process*));
  FIND(const char*, nvmlErrorString, (int));

  nvmlDevice_t device = NULL;
  CHECK(nvmlInit_v2());
  CHECK(nvmlDeviceGetHandleByIndex_v2(0, &device));
  struct memory before, after;
  CHECK(nvmlDeviceGetMemoryInfo(device, &before));
  REQUIRE(before.total > 0 && before.used + before.free == before.total, "%llu used, %llu free, %llu in all",
          before.used, before.free, before.total);

  open_device();
  CUdeviceptr memory;
  CHECK(cuMemAlloc(&memory, MEGABYTE));
  if (strcmp(argv[1], "measured") == 0) {
    test_utilization(device);
  } else {
    test_no_utilization(device);
  }
  CHECK(nvmlDeviceGetMemoryInfo(device, &after));
  REQUIRE(after.used >= before.used + MEGABYTE, "%llu used, %llu before", after.used, before.used);
  CHECK(cuCtxSetCurrent(NULL));
  CHECK(nvmlDeviceGetMemoryInfo(device, &before));
  // A driver tells only contexts how much is free.
  REQUIRE(before.free == after.free || strcmp(argv[1], "unmeasured") == 0,
          "without a context %llu free, with one %llu", before.free, after.free);
  struct memory_v2 second = {.version = sizeof second | 2 << 24};
  CHECK(nvmlDeviceGetMemoryInfo_v2(device, &second));
  REQUIRE(second.free == before.free && second.total == before.total && second.reserved == 0,
          "%llu free of %llu", second.free, second.total);
  second.version = 1;
  EXPECT_STATUS(nvmlDeviceGetMemoryInfo_v2(device, &second), NVML_VERSION_MISMATCH);

  unsigned int count = 0;
  EXPECT_STATUS(nvmlDeviceGetComputeRunningProcesses_v3(device, &count, NULL), NVML_INSUFFICIENT_SIZE);
  REQUIRE(count >= 1, "no process");
  static struct process processes[ROOM];
  count = ROOM;
  CHECK(nvmlDeviceGetComputeRunningProcesses_v3(device, &count, processes));
  REQUIRE(own_bytes(processes, count) >= MEGABYTE, "%llu bytes", own_bytes(processes, count));
  REQUIRE(processes[0].gpu_instance == UINT32_MAX, "an instance");
  static struct process_v1 first[ROOM];
  unsigned int first_count = ROOM;
  CHECK(nvmlDeviceGetComputeRunningProcesses(device, &first_count, first));
  REQUIRE(first_count >= 1 && first[0].pid != 0, "%u processes", first_count);
  count = 5;
  CHECK(nvmlDeviceGetGraphicsRunningProcesses_v3(device, &count, processes));
  REQUIRE(count == 0, "%u processes that draw", count);

  test_pci_info(device);
  test_refused(device);
  open_device();
  test_xid_events(device, strcmp(argv[1], "measured") == 0);
  REQUIRE(strcmp(nvmlErrorString(NVML_NOT_SUPPORTED), "Not Supported") == 0, "%s",
          nvmlErrorString(NVML_NOT_SUPPORTED));
  REQUIRE(strcmp(nvmlErrorString(15), "GPU is lost") == 0, "%s", nvmlErrorString(15));
  printf("ok NVML agrees with the driver\n");
  return 0;
}
